import { quoteIdentifier } from "hasten/postgres";
import { definitionOf } from "../candidates/definition.ts";
import type { Candidate } from "../candidates/types.ts";
import type { Catalog, Relation } from "../catalog/types.ts";
import { DoctorError } from "../errors.ts";
import type { Explain, IndexChange, Planner, Refused } from "../model/types.ts";
import type { Parser } from "../parse/parse.ts";
import type { Target } from "../target/types.ts";
import { explainOnTarget } from "./calibrate.ts";

/** Methods whose size and cost HypoPG can estimate. */
const METHODS: ReadonlySet<Candidate["method"]> = new Set(["btree", "brin"]);
/** It has about 2,500 object ids for its indexes. */
const INDEXES_MAX = 2_000;

interface HypoPg {
  readonly target: Target;
  readonly parser: Parser;
  readonly relations: ReadonlyMap<number, Relation>;
  /** Quoted schema of the extension. */
  readonly schema: string;
  /** From version 1.4 on existing indexes can be hidden. */
  readonly hides: boolean;
}

/**
 * A planner over HypoPG on the target itself: its version, its statistics, b-tree and BRIN only.
 * Its indexes live in the memory of the doctor's session and are gone with it. Statements whose
 * change it cannot make are refused, never planned without it.
 * @returns undefined when the extension is not created, may not be used, or a pooler stands between
 */
export async function openHypoPg(
  target: Target,
  catalog: Catalog,
  parser: Parser,
): Promise<Planner | undefined> {
  const extension = catalog.extensions.get("hypopg");
  if (extension === undefined || target.pooled) return undefined;
  const hypopg: HypoPg = {
    ...{ target, parser },
    relations: new Map(catalog.relations.map((relation) => [relation.oid, relation])),
    schema: quoteIdentifier(extension.schema),
    hides: !/^(0|1\.[0-3])(\.|$)/.test(extension.version),
  };
  try {
    await reset(hypopg);
  } catch (error) {
    if (error instanceof DoctorError && error.code === "HST_DOCTOR_STATEMENT") return undefined;
    throw error;
  }
  const explain = explainWith(hypopg, new Map());
  return {
    source: "hypopg",
    explain,
    whatIf: async (change, plan) => {
      try {
        const { ids, refused } = await apply(hypopg, change);
        const impossible = change.drop.length > 0 && !hypopg.hides;
        return await plan(impossible ? cannotHide : explainWith(hypopg, ids), refused);
      } finally {
        await reset(hypopg);
      }
    },
    [Symbol.asyncDispose]: () => reset(hypopg),
  };
}

const cannotHide: Explain = () =>
  Promise.resolve({ kind: "refused", because: "HypoPG before 1.4 cannot hide an index" });

function explainWith({ target, parser }: HypoPg, ids: ReadonlyMap<string, string>): Explain {
  return (statement) => explainOnTarget(target, parser, statement, { parallel: false, ids });
}

async function reset({ target, schema, hides }: HypoPg): Promise<void> {
  await target.rows(`select ${schema}.hypopg_reset()`);
  if (hides) await target.rows(`select ${schema}.hypopg_unhide_all_indexes()`);
}

async function apply(
  hypopg: HypoPg,
  change: IndexChange,
): Promise<{ ids: ReadonlyMap<string, string>; refused: readonly Refused[] }> {
  const ids = new Map<string, string>();
  const refused: Refused[] = [];
  if (hypopg.hides)
    for (const oid of change.drop)
      await hypopg.target.rows(`select ${hypopg.schema}.hypopg_hide_index($1::oid)`, [oid]);
  for (const [at, candidate] of change.add.entries()) {
    const because = at >= INDEXES_MAX ? "too many at once" : whyNot(candidate);
    const name = because ?? (await create(hypopg, candidate));
    if (because !== undefined) refused.push({ candidate: candidate.id, because });
    else if (typeof name === "string") ids.set(name, candidate.id);
    else refused.push({ candidate: candidate.id, because: name.refused });
  }
  return { ids, refused };
}

function whyNot({ method, extension }: Candidate): string | undefined {
  if (!METHODS.has(method)) return `HypoPG cannot estimate ${method} indexes`;
  return extension === undefined ? undefined : `it needs the extension ${extension}`;
}

/** The name that plans call it. */
async function create(
  { target, relations, schema }: HypoPg,
  candidate: Candidate,
): Promise<string | { readonly refused: string }> {
  const relation = relations.get(candidate.relation);
  if (relation === undefined) return { refused: "its table is unknown" };
  const { table, body } = definitionOf(candidate, relation);
  try {
    const rows = await target.rows<{ indexname: string }>(
      `select indexname from ${schema}.hypopg_create_index($1)`,
      [`create index on ${table} ${body}`],
    );
    return rows[0]?.indexname ?? { refused: "HypoPG made no index" };
  } catch (error) {
    if (!(error instanceof DoctorError) || error.code !== "HST_DOCTOR_STATEMENT") throw error;
    return { refused: `SQLSTATE ${error.sqlstate ?? "unknown"}` };
  }
}
