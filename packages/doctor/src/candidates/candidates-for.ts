import type { Catalog, Relation } from "../catalog/types.ts";
import { bodyOf, definitionOf } from "./definition.ts";
import { isServed } from "./existing.ts";
import { btree, columnTerm, flipped, type Idea, keyOf } from "./idea.ts";
import { ideasFor } from "./scan-ideas.ts";
import { isWorth, tablesOf } from "./table.ts";
import {
  CANDIDATES_PER_TABLE_MAX,
  type Candidate,
  type CandidateReason,
  type StatementFacts,
} from "./types.ts";

/** A candidate being gathered, with the time that hangs on it. */
interface Weighed {
  readonly idea: Idea;
  readonly relation: Relation;
  readonly reasons: Set<CandidateReason>;
  readonly statements: Set<string>;
  score: number;
}

/**
 * Indexes worth planning with, at most {@link CANDIDATES_PER_TABLE_MAX} for each table, those of
 * the statements with the most time first. None for a table below 10 pages, and none that an
 * existing index already serves.
 */
export function candidatesFor(
  facts: readonly StatementFacts[],
  catalog: Catalog,
): readonly Candidate[] {
  const tables = new Map<number, Map<string, Weighed>>();
  for (const table of tablesOf(facts, catalog))
    for (const { scan, statement, share } of table.scans)
      for (const idea of ideasFor(scan, table))
        weigh(tables, { idea, relation: table.relation }, { statement, share });
  for (const { idea, relation } of foreignKeyIdeas(facts, catalog))
    weigh(tables, { idea, relation }, undefined);
  withoutParts(tables, catalog);
  return [...tables.values()].flatMap(best);
}

function weigh(
  tables: Map<number, Map<string, Weighed>>,
  { idea, relation }: { readonly idea: Idea; readonly relation: Relation },
  asked: { readonly statement: string; readonly share: number } | undefined,
): void {
  if (isServed(idea, relation)) return;
  const known = tables.get(relation.oid) ?? new Map<string, Weighed>();
  tables.set(relation.oid, known);
  const body = bodyOf(idea);
  const backwards = bodyOf({ ...idea, keys: flipped(idea.keys) });
  const entry = known.get(body) ??
    known.get(backwards) ?? {
      idea,
      relation,
      reasons: new Set<CandidateReason>(),
      statements: new Set<string>(),
      score: 0,
    };
  if (!known.has(backwards)) known.set(body, entry);
  for (const reason of idea.reasons) entry.reasons.add(reason);
  if (asked === undefined || entry.statements.has(asked.statement)) return;
  entry.statements.add(asked.statement);
  entry.score += asked.share * idea.promise;
}

function best(candidates: ReadonlyMap<string, Weighed>): readonly Candidate[] {
  return [...candidates]
    .sort(([a, one], [b, other]) => other.score - one.score || (a < b ? -1 : 1))
    .slice(0, CANDIDATES_PER_TABLE_MAX)
    .map(([, weighed]) => candidateOf(weighed));
}

function candidateOf({ idea, relation, reasons, statements }: Weighed): Candidate {
  const { method, keys, include, predicate, extension } = idea;
  const candidate: Candidate = {
    id: "",
    relation: relation.oid,
    method,
    keys,
    include,
    predicate,
    reasons: [...reasons],
    statements: [...statements],
    extension,
  };
  const { table, body } = definitionOf(candidate, relation);
  return { ...candidate, id: `${table} ${body}` };
}

/** What the root's index would give each partition anyway. */
function withoutParts(tables: Map<number, Map<string, Weighed>>, catalog: Catalog): void {
  const byOid = new Map(catalog.relations.map((relation) => [relation.oid, relation]));
  for (const [oid, candidates] of tables)
    for (const root of rootsOf(byOid.get(oid), byOid))
      for (const [body, part] of candidates) {
        const whole = tables.get(root)?.get(body);
        if (whole === undefined) continue;
        for (const statement of part.statements) whole.statements.add(statement);
        whole.score += part.score;
        candidates.delete(body);
      }
}

function rootsOf(
  relation: Relation | undefined,
  byOid: ReadonlyMap<number, Relation>,
): readonly number[] {
  const roots: number[] = [];
  for (let at = relation; at?.isPartition === true; ) {
    const parent: number | undefined = at.parents[0];
    // A cycle cannot be, but must not hang us.
    if (parent === undefined || roots.includes(parent)) break;
    roots.push(parent);
    at = byOid.get(parent);
  }
  return roots;
}

/**
 * Foreign keys whose columns no index begins with, of tables that the workload reads or whose
 * referenced rows are deleted: every such delete reads the referencing table. No plan shows that.
 */
function foreignKeyIdeas(
  facts: readonly StatementFacts[],
  catalog: Catalog,
): readonly { readonly idea: Idea; readonly relation: Relation }[] {
  const seen = new Set(facts.flatMap(({ scans }) => scans.map((scan) => scan.relation)));
  const deletes = new Set(
    catalog.relations.flatMap(({ oid, activity }) => (activity.deleted > 0 ? oid : [])),
  );
  return catalog.relations.filter(isWorth).flatMap((relation) =>
    relation.foreignKeys.flatMap((key) => {
      if (!seen.has(relation.oid) && !deletes.has(key.references)) return [];
      const idea = btree({
        keys: key.columns.map((column) => keyOf(columnTerm(column))),
        reasons: ["foreign-key"],
        sought: "equality",
        promise: 0.5,
      });
      return idea === undefined ? [] : [{ idea, relation }];
    }),
  );
}
