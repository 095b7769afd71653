import { quoteQualified } from "hasten/postgres";
import type { Catalog, Index, Relation } from "../catalog/types.ts";
import { formatBytes } from "../text.ts";
import { dropDdl } from "./ddl.ts";
import { isBound, isPart, isPrefix, sameIndex, supportsForeignKey } from "./existing.ts";
import type { Badge, DropAdvice } from "./types.ts";

const DAY_MS = 86_400_000;
/** Counters that are younger say nothing of monthly jobs. */
export const UNUSED_AFTER_DAYS = 14;
/** Below these an unused index costs too little to speak of. */
const UNUSED_BYTES_LEAST = 1_048_576;

export interface DropInput {
  readonly catalog: Catalog;
  /** Names of indexes that today's plans of the workload use. */
  readonly used: ReadonlySet<string>;
  /** Oids of indexes that other advice replaces. */
  readonly replaced: ReadonlySet<number>;
  /** How the planner judged the loss of an index; undefined: not asked. */
  readonly verified: ReadonlyMap<number, { readonly badge: Badge; readonly harmless: boolean }>;
}

export interface DropCandidate {
  readonly index: Index;
  readonly relation: Relation;
  readonly because: DropAdvice["because"];
  /** The index that does its work as well. */
  readonly coveredBy: Index | undefined;
}

/**
 * Indexes that could go: exact doubles, those whose columns lead another's, and those that nothing
 * read for at least 14 days of counting. Never one that a constraint, uniqueness, replication or a
 * foreign key needs; of two doubles the one that is bound stays.
 */
export function droppable(input: Omit<DropInput, "verified">): readonly DropCandidate[] {
  return input.catalog.relations.flatMap((relation) =>
    relation.kind === "table" && !relation.isPartition ? inTable(relation, input) : [],
  );
}

function inTable(relation: Relation, input: Omit<DropInput, "verified">): readonly DropCandidate[] {
  const alive = new Set(
    relation.indexes.filter((index) => index.valid && !input.replaced.has(index.oid)),
  );
  const found: DropCandidate[] = [];
  const drop = (index: Index, because: DropAdvice["because"], coveredBy?: Index): void => {
    alive.delete(index);
    found.push({ index, relation, because, coveredBy });
  };
  const free = [...alive].filter((index) => !isBound(index) && !isPart(index));
  // The one that is read less goes first, so that the one that plans know stays.
  for (const index of free.toSorted((a, b) => a.scans - b.scans)) {
    const others = [...alive].filter((other) => other !== index);
    const twin = others.find((other) => sameIndex(index, other));
    const longer = others.find((other) => isPrefix(index, other));
    if (twin !== undefined) drop(index, "duplicate", twin);
    else if (longer !== undefined) drop(index, "prefix", longer);
    else if (isUnused(index, relation, input)) drop(index, "unused");
  }
  return found;
}

function isUnused(index: Index, relation: Relation, input: Omit<DropInput, "verified">): boolean {
  const { countersMs } = input.catalog;
  return (
    countersMs !== undefined &&
    countersMs >= UNUSED_AFTER_DAYS * DAY_MS &&
    index.scans === 0 &&
    index.bytes >= UNUSED_BYTES_LEAST &&
    !input.used.has(index.name) &&
    !supportsForeignKey(index, relation.foreignKeys)
  );
}

/** In words, with evidence. A prefix whose loss the planner found harmful is left alone. */
export function dropAdvice(
  candidates: readonly DropCandidate[],
  input: DropInput,
): readonly DropAdvice[] {
  return candidates.flatMap((candidate) => {
    const verdict = input.verified.get(candidate.index.oid);
    if (verdict?.harmless === false) return [];
    return [adviceOf(candidate, input.catalog, verdict?.badge)];
  });
}

function adviceOf(
  { index, relation, because, coveredBy }: DropCandidate,
  catalog: Catalog,
  badge: Badge | undefined,
): DropAdvice {
  const days = catalog.countersMs === undefined ? undefined : catalog.countersMs / DAY_MS;
  const counted =
    days === undefined
      ? "a time that the server does not tell"
      : `${days.toFixed(days < 10 ? 1 : 0)} days`;
  const other = coveredBy?.name ?? "";
  const reasons: Readonly<Record<DropAdvice["because"], string>> = {
    duplicate: `It is the same index as ${other}: every write keeps both, no plan needs both.`,
    prefix: `Its columns lead those of ${other}, which answers the same questions.`,
    unused: `Nothing has read it in ${counted}; every write keeps it up to date.`,
  };
  return {
    kind: "drop",
    id: `drop ${quoteQualified([relation.schema, index.name])}`,
    table: `${relation.schema}.${relation.name}`,
    columns: index.keys.map(({ column, expression }) => column ?? expression ?? ""),
    type: index.method,
    reason: reasons[because],
    ...dropDdl(index, relation),
    badge: badge ?? "unverified",
    unverifiedBecause: badge === undefined ? whyUnverified(because) : undefined,
    caveats: caveatsOf(because),
    index: index.name,
    because,
    evidence: [
      `${index.scans} scans in ${counted} of counting on this server`,
      ...(coveredBy === undefined
        ? [`no plan of the workload uses it`]
        : [`covered by ${other} (${coveredBy.scans} scans)`]),
      formatBytes(index.bytes),
    ],
    freedBytes: index.bytes,
  };
}

function whyUnverified(because: DropAdvice["because"]): string | undefined {
  if (because === "duplicate") return "A double needs no plan to prove it.";
  if (because === "unused") return "That something is unused is counted, not planned.";
  return "No planner was at hand to plan the workload without it.";
}

function caveatsOf(because: DropAdvice["because"]): readonly string[] {
  const replicas = "Replicas count their own scans: look there too before dropping it.";
  if (because === "unused") return [replicas, "Rare jobs may read it less often than was counted."];
  if (because === "prefix")
    return ["The longer index is larger: scans of many rows read more pages."];
  return [];
}
