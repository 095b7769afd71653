/**
 * From the names in a statement to what it depends on: tables with their rows, views, functions.
 *
 * Invariants:
 * - Whatever is looked up is an item of the registry, and gets the tags of what was made from it.
 * - A view is its definition, read in the schemas that its text was written in, and itself.
 * - A table is itself and everything below it; one of them that cannot be kept refuses all.
 */

import { broadTag } from "../../core/sql-tag.ts";
import { type KnownPath, PG_CATALOG, type Registry } from "../catalog/registry.ts";
import { type RelationFacts, unreadable } from "../catalog/relation.ts";
import type { Item } from "../catalog/shelf.ts";
import type { BoundTable } from "./bound-table.ts";
import { keyColumns } from "./columns.ts";
import { candidatesFor } from "./equality.ts";
import type { Refusal } from "./function-rules.ts";
import type { ColumnKind } from "./interest.ts";
import { type NamesRead, readNames } from "./name-rules.ts";
import type { ParseText } from "./parser.ts";
import { resolveNames } from "./resolve-names.ts";
import { scan } from "./scan.ts";
import type { RelationUse, Uses } from "./uses.ts";

export interface Understood {
  readonly tables: BoundTable[];
  /** Views and functions. */
  readonly tags: Set<string>;
  readonly refusals: Refusal[];
  readonly items: Set<{ readonly tags: Set<string> }>;
  readonly interests: Interested[];
}

export interface Interested {
  readonly table: number;
  readonly tableTag: string;
  readonly relations: readonly number[];
  readonly columns: ReadonlyMap<string, ColumnKind>;
}

export interface Reading {
  readonly registry: Registry;
  readonly parse: ParseText;
  readonly path: Item<KnownPath>;
  readonly since: string | undefined;
}

const UNSETTLED = "which transactions changed before it was published";
const VIEW_DEPTH_MAX = 24;

export async function understand(uses: Uses, reading: Reading): Promise<Understood> {
  const understood: Understood = {
    tables: [],
    tags: new Set(),
    refusals: [],
    items: new Set([reading.path]),
    interests: [],
  };
  const { namespaces } = reading.path.facts;
  await addUses(understood, uses, { reading, namespaces, views: [] });
  return understood;
}

interface Place {
  readonly reading: Reading;
  readonly namespaces: readonly number[];
  /** The views that it is inside of, outermost first. */
  readonly views: readonly number[];
}

/** Every name in a view's text has its schema, but for the built-in ones. */
const IN_VIEWS: readonly number[] = [PG_CATALOG];

async function addUses(into: Understood, uses: Uses, place: Place): Promise<void> {
  const { registry, since } = place.reading;
  if (uses.refusal !== undefined)
    into.refusals.push({ ...refused(uses.refusal), mayWrite: uses.mayHide });
  const names = await readNames(uses, { registry, namespaces: place.namespaces, since });
  for (const item of names.items) into.items.add(item);
  for (const tag of names.tags) into.tags.add(tag);
  into.refusals.push(...names.refusals);
  const resolved = await resolveNames(
    uses.relations.map(({ name }) => name),
    { registry, namespaces: place.namespaces },
  );
  for (const item of resolved.items) into.items.add(item);
  const closure = await registry.closure([...new Set(resolved.oids.filter(isKnown))], since);
  for (const item of closure.values()) into.items.add(item);
  for (const [at, use] of uses.relations.entries()) {
    const oid = resolved.oids[at];
    const facts = oid === undefined ? undefined : closure.get(oid)?.facts;
    const { schema } = use.name;
    // Or its schema was renamed since the name was looked up.
    if (facts === undefined || (schema !== undefined && facts.schema !== schema))
      into.refusals.push({
        ...refused(`${use.name.name}, which does not exist`),
        // The catalog is asked about names in schemas, not about schemas that do not exist.
        passing: schema !== undefined,
      });
    else await addRelation(into, { use, uses, facts, closure, names }, place);
  }
}

interface Named {
  readonly use: RelationUse;
  readonly uses: Uses;
  readonly facts: RelationFacts;
  readonly closure: ReadonlyMap<number, Item<RelationFacts>>;
  readonly names: NamesRead;
}

async function addRelation(into: Understood, named: Named, place: Place): Promise<void> {
  const { use, uses, facts, closure, names } = named;
  const { registry, path } = place.reading;
  const below = descendants(facts, closure);
  const coverage = registry.coverage.kind;
  for (const it of below) {
    const because = unreadable(it, coverage);
    if (because !== undefined) into.refusals.push(refused(because));
    else if (!it.settled && it.kind === "r")
      into.refusals.push({
        ...refused(`the table ${it.schema}.${it.name}, ${UNSETTLED}`),
        passing: true,
      });
  }
  if (isRestricted(facts, path.facts, place.views.length > 0))
    into.refusals.push({
      ...refused(`row security on ${facts.schema}.${facts.name}`),
      personal: true,
    });
  const tableTag = registry.tableTag(facts);
  if (facts.kind === "v") {
    into.tags.add(tableTag);
    into.interests.push({
      table: facts.oid,
      tableTag,
      relations: [facts.oid],
      columns: new Map(),
    });
    return addView(into, facts, place);
  }
  const stored = below.filter(({ kind }) => kind === "r");
  const columns = keyColumns(facts, stored, coverage);
  const candidates = names.ownEquals ? [] : candidatesFor({ use, columns, uses });
  into.tables.push({ tableTag, candidates });
  const used = candidates.flat().map((term): [string, ColumnKind] => [term.column, term.kind]);
  const relations = below.map(({ oid }) => oid);
  into.interests.push({ table: facts.oid, tableTag, relations, columns: new Map(used) });
}

async function addView(into: Understood, facts: RelationFacts, place: Place): Promise<void> {
  const { definition } = facts;
  const name = `${facts.schema}.${facts.name}`;
  if (place.views.includes(facts.oid)) return;
  const statements = definition === null ? [] : parsed(place.reading.parse, definition);
  const [statement] = statements;
  const tooDeep = place.views.length >= VIEW_DEPTH_MAX;
  if (statement === undefined || statements.length > 1 || tooDeep) {
    into.refusals.push(refused(`the view ${name}, whose definition is not understood`));
    return;
  }
  const uses = scan(statement);
  uses.ofView = true;
  await addUses(into, uses, {
    ...place,
    namespaces: IN_VIEWS,
    views: [...place.views, facts.oid],
  });
}

function parsed(parse: ParseText, definition: string): ReturnType<ParseText> {
  try {
    return parse(definition);
  } catch {
    return [];
  }
}

function descendants(facts: RelationFacts, closure: Named["closure"]): readonly RelationFacts[] {
  const all = new Map([[facts.oid, facts]]);
  // Grows while it is walked: children of children come later.
  for (const it of all.values())
    for (const child of it.children) {
      const found = closure.get(child)?.facts;
      if (found !== undefined) all.set(child, found);
    }
  return [...all.values()];
}

/** Row security decides which rows the role sees. Through a view it may be the view's owner that counts. */
function isRestricted(facts: RelationFacts, path: KnownPath, inView: boolean): boolean {
  if (!facts.rowSecurity) return false;
  if (inView) return true;
  return !path.unrestricted && (facts.forced || facts.owner !== path.role);
}

function refused(because: string): Refusal {
  return { because, mayWrite: false, stateful: false, personal: false };
}

function isKnown(oid: number | undefined): oid is number {
  return oid !== undefined;
}

/** All tags that a run may have, tables instead of rows: what its items drop. */
export function everyTag({ tables, tags }: Understood): ReadonlySet<string> {
  const all = new Set(tags);
  for (const tag of tags) all.add(broadTag(tag));
  for (const { tableTag } of tables) all.add(tableTag).add(broadTag(tableTag));
  return all;
}
