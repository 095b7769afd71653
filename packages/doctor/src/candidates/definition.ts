import { createHash } from "node:crypto";
import { IDENTIFIER_BYTES_MAX, quoteIdentifier, quoteQualified } from "hasten/postgres";
import type { Relation } from "../catalog/types.ts";
import type { Candidate, CandidateKey } from "./types.ts";

/** The parts of `create index <name> on <table> <body>`. */
export interface IndexDefinition {
  /** Quoted and qualified. */
  readonly table: string;
  /** `using … (…) include (…) where …`. */
  readonly body: string;
}

/** What stands in CREATE INDEX for a candidate. */
export function definitionOf(candidate: Candidate, relation: Relation): IndexDefinition {
  return { table: quoteQualified([relation.schema, relation.name]), body: bodyOf(candidate) };
}

/** `using … (…) include (…) where …`: the same text for the same index. */
export function bodyOf(
  candidate: Pick<Candidate, "method" | "keys" | "include" | "predicate">,
): string {
  const keys = candidate.keys.map((key) => keyText(key, candidate.method)).join(", ");
  const include =
    candidate.include.length === 0
      ? ""
      : ` include (${candidate.include.map(quoteIdentifier).join(", ")})`;
  const where = candidate.predicate === undefined ? "" : ` where ${candidate.predicate}`;
  return `using ${candidate.method} (${keys})${include}${where}`;
}

function keyText(key: CandidateKey, method: Candidate["method"]): string {
  const opclass = key.opclass === undefined ? "" : ` ${key.opclass}`;
  if (method !== "btree") return key.sql + opclass;
  const direction = key.descending ? " desc" : "";
  const nulls =
    key.nullsFirst === key.descending ? "" : key.nullsFirst ? " nulls first" : " nulls last";
  return key.sql + opclass + direction + nulls;
}

const HASH_CHARS = 6;

/**
 * Name for the index of a candidate, at most 63 bytes: "orders_customer_id_created_at_idx" for a
 * plain ascending b-tree; a short hash of the definition is added to all others, to names that had
 * to be cut, and to names that an index of the table already has. Same schema, same name.
 */
export function indexName(candidate: Candidate, relation: Relation): string {
  const words = [relation.name, ...candidate.keys.map(wordOf)].join("_");
  const name = `${words}_idx`;
  const taken = relation.indexes.some((index) => index.name === name);
  if (isPlain(candidate) && !taken && Buffer.byteLength(name) <= IDENTIFIER_BYTES_MAX) return name;
  const identity = `${relation.schema}.${relation.name} ${bodyOf(candidate)}`;
  const hash = createHash("sha256").update(identity).digest("hex").slice(0, HASH_CHARS);
  const tail = `_${hash}_idx`;
  return cut(words, IDENTIFIER_BYTES_MAX - tail.length) + tail;
}

function wordOf(key: CandidateKey): string {
  return key.column ?? "expr";
}

function isPlain(candidate: Candidate): boolean {
  return (
    candidate.method === "btree" &&
    candidate.include.length === 0 &&
    candidate.predicate === undefined &&
    candidate.keys.every(
      (key) =>
        key.column !== undefined && key.opclass === undefined && !key.descending && !key.nullsFirst,
    )
  );
}

/** The longest start of at most that many bytes that ends between characters. */
function cut(text: string, bytesMax: number): string {
  let out = "";
  let bytes = 0;
  for (const char of text) {
    bytes += Buffer.byteLength(char);
    if (bytes > bytesMax) break;
    out += char;
  }
  return out;
}
