import { understand } from "../candidates/understand.ts";
import type { Catalog } from "../catalog/types.ts";
import { openHypoPg } from "../choose/hypopg.ts";
import type { Advice } from "../choose/types.ts";
import type { Missing } from "../model/build.ts";
import type { Model } from "../model/open.ts";
import type { Explain, IndexChange, Planner } from "../model/types.ts";
import { loadParser } from "../parse/parse.ts";
import type { Target } from "../target/types.ts";
import type { Workload } from "../workload/types.ts";

/** What advice is proven with. */
export interface Planning {
  readonly planner: Planner | undefined;
  /** Tables that no planner has. */
  readonly missing: readonly Missing[];
  /** Tables whose statements HypoPG plans. */
  readonly byHypoPg: ReadonlySet<number>;
  readonly notes: readonly string[];
}

interface Read {
  readonly catalog: Catalog;
  readonly workload: Workload;
}

const UNPLANNED: Planning = { planner: undefined, missing: [], byHypoPg: new Set(), notes: [] };

/**
 * The model; for what it lacks, or where there is none, HypoPG on the target, if that is created
 * there and the role may use it. A planner that is returned is the caller's to dispose of, before
 * the model.
 */
export async function planningWith(
  model: Model | undefined,
  target: Target,
  read: Read,
): Promise<Planning> {
  const alone = { ...UNPLANNED, planner: model, missing: model?.missing ?? [] };
  const readable = new Set(
    read.catalog.relations.filter((relation) => relation.readable).map(({ oid }) => oid),
  );
  const lacking = new Set(
    alone.missing.map(({ relation }) => relation).filter((oid) => readable.has(oid)),
  );
  if (read.workload.statements.length === 0 || (model !== undefined && lacking.size === 0))
    return alone;
  const hypopg = await openHypoPg(target, read.catalog, await loadParser());
  if (hypopg === undefined) return alone;
  const planned = await plannedBy(hypopg, read, model === undefined ? readable : lacking);
  if (planned.covered.size === 0) return alone;
  if (model === undefined)
    return {
      ...{ planner: hypopg, byHypoPg: planned.covered },
      missing: read.catalog.relations
        .filter(({ oid }) => !planned.covered.has(oid))
        .map(({ oid }) => ({ relation: oid, because: "The server does not plan what reads it." })),
      notes: [`The advice was verified by HypoPG on the server. ${KINDS}`],
    };
  return {
    planner: joined({ model, hypopg, ...planned }),
    missing: alone.missing.filter(({ relation }) => !planned.covered.has(relation)),
    byHypoPg: planned.covered,
    notes: [
      `What reads a table that the model cannot have was planned by HypoPG on the server. ${KINDS}`,
    ],
  };
}

const KINDS = "It costs b-tree and BRIN indexes only.";

interface Parts {
  readonly model: Planner;
  readonly hypopg: Planner;
  /** Tables that HypoPG is for. */
  readonly covered: ReadonlySet<number>;
  /** Statements that read one of those. */
  readonly blind: ReadonlySet<string>;
  /** All tables that those read. */
  readonly tables: ReadonlySet<number>;
  readonly tableOfIndex: ReadonlyMap<number, number>;
}

/** A table is covered when a statement on it is planned: the guard or the role may forbid it. */
async function plannedBy(
  hypopg: Planner,
  { catalog, workload }: Read,
  wanted: ReadonlySet<number>,
): Promise<Omit<Parts, "model" | "hypopg">> {
  const parser = await loadParser();
  const blind = new Set<string>();
  const tables = new Set<number>();
  const covered = new Set<number>();
  for (const statement of workload.statements) {
    const { scans } = understand(statement, catalog, parser);
    const oids = scans.map(({ relation }) => relation);
    const asked = oids.filter((oid) => wanted.has(oid));
    if (asked.length === 0) continue;
    blind.add(statement.id);
    for (const oid of oids) tables.add(oid);
    if ((await hypopg.explain(statement)).kind === "refused") continue;
    for (const oid of asked) covered.add(oid);
  }
  const tableOfIndex = new Map(
    catalog.relations.flatMap(({ oid, indexes }) =>
      indexes.map((index) => [index.oid, oid] as const),
    ),
  );
  return { covered, blind, tables, tableOfIndex };
}

/** Each statement is planned by one and the same of the two, today and with every change. */
function joined({ model, hypopg, covered, blind, tables, tableOfIndex }: Parts): Planner {
  const either =
    (byModel: Explain, byHypoPg: Explain): Explain =>
    (statement) =>
      blind.has(statement.id) ? byHypoPg(statement) : byModel(statement);
  const only = (change: IndexChange, has: (table: number) => boolean): IndexChange => ({
    add: change.add.filter(({ relation }) => has(relation)),
    drop: change.drop.filter((oid) => has(tableOfIndex.get(oid) ?? 0)),
  });
  return {
    source: model.source,
    explain: either(model.explain, hypopg.explain),
    whatIf: (change, plan) =>
      model.whatIf(
        only(change, (table) => !covered.has(table)),
        (byModel, refused) => {
          const rest = only(change, (table) => tables.has(table));
          const own = new Set(
            rest.add.filter(({ relation }) => covered.has(relation)).map(({ id }) => id),
          );
          if (rest.add.length + rest.drop.length === 0)
            return plan(either(byModel, hypopg.explain), refused);
          return hypopg.whatIf(rest, (byHypoPg, alsoRefused) =>
            plan(either(byModel, byHypoPg), [
              ...refused,
              ...alsoRefused.filter(({ candidate }) => own.has(candidate)),
            ]),
          );
        },
      ),
    // The model is its owner's.
    [Symbol.asyncDispose]: () => hypopg[Symbol.asyncDispose](),
  };
}

/** Says of advice on a table of HypoPG's who verified it. */
export function verifiedBy(
  byHypoPg: ReadonlySet<number>,
  { relations }: Catalog,
): (advice: Advice) => Advice {
  const names = new Set(
    relations.filter(({ oid }) => byHypoPg.has(oid)).map(({ schema, name }) => `${schema}.${name}`),
  );
  return (advice) =>
    advice.badge === "model" && names.has(advice.table) ? { ...advice, badge: "hypopg" } : advice;
}
