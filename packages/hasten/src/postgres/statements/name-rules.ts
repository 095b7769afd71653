/** Whether the functions, operators, types and casts that a statement names can be relied on. */
import type { CastFacts, FunctionFacts, NameFacts, OperatorFacts } from "../catalog/name-sql.ts";
import { FIRST_USER_OID } from "../catalog/name-sql.ts";
import type { Registry } from "../catalog/registry.ts";
import type { Item } from "../catalog/shelf.ts";
import { functionRefusal, type Refusal, takes } from "./function-rules.ts";
import type { QualifiedName } from "./tree.ts";
import type { FunctionUse, Uses } from "./uses.ts";

export interface NamesRead {
  /** What it was made from: what is read is dropped when any of it changes. */
  readonly items: readonly { readonly tags: Set<string> }[];
  /** `=` may mean what users made of it, even between types that it is built in for. */
  readonly ownEquals: boolean;
  /** Tags of the functions of users that are called. */
  readonly tags: readonly string[];
  readonly refusals: readonly Refusal[];
}

interface Place {
  readonly registry: Registry;
  readonly namespaces: readonly number[];
  readonly since: string | undefined;
}

/** Asks the catalog about every name; the refusals are in the order of the text. */
export async function readNames(uses: Uses, place: Place): Promise<NamesRead> {
  const { registry, since } = place;
  const named = uses.functions.map(({ name }) => name.name);
  const functions = await registry.functions(unique([...named, ...uses.fields]), since);
  // IN, CASE, USING and the like compare by it without naming it.
  const compared = unique([...uses.operators, "="]);
  const operators = await registry.named<OperatorFacts>("operators", compared, since);
  const types = await registry.named<number>("types", typeNames(uses), since);
  const casts = await registry.named<CastFacts>("casts", [ALL], since);
  const schemas = await registry.schemas(schemaNames(uses.functions));
  const refusals: Refusal[] = [];
  const oids = new Set<number>();
  for (const use of uses.functions) {
    const candidates = functions.get(use.name.name)?.facts.found ?? [];
    const meant = candidates.filter((it) => canMean(it, use, { place, schemas }));
    if (meant.length === 0) refusals.push(refusal(`the function ${nameOf(use.name)}(), not found`));
    for (const it of meant) {
      const refused = functionRefusal(use.name.name, it);
      if (refused !== undefined) refusals.push(refused);
      else if (it.oid >= FIRST_USER_OID) oids.add(it.oid);
    }
  }
  for (const field of uses.fields)
    for (const it of functions.get(field)?.facts.found ?? []) {
      const refused = it.takesRow && takes(it, 1) ? functionRefusal(field, it) : undefined;
      if (refused !== undefined) refusals.push(refused);
      else if (it.takesRow && it.oid >= FIRST_USER_OID) oids.add(it.oid);
    }
  for (const [name, { facts }] of operators)
    if (facts.found.some(({ immutable }) => !immutable))
      refusals.push(refusal(`the operator ${name}, which is not IMMUTABLE`));
  refusals.push(...unsafe(types, (name) => `the type ${name}, which may look something up`));
  if (foundOf(casts).some(({ immutable }) => !immutable))
    refusals.push(refusal("a cast of this database that is not IMMUTABLE"));
  const more = oids.size > 0 || foundOf(operators, casts).some(({ mayCall }) => mayCall);
  const all = more ? await registry.named("allFunctions", [ALL], since) : NONE;
  const bySearch = [...named, ...uses.operators, ...typeNames(uses)];
  const searches = more || bySearch.some((name) => SEARCHES.test(name));
  const search = searches ? await registry.named("search", [ALL], since) : NONE;
  return {
    items: [functions, operators, types, casts, all, search].flatMap((map) => [...map.values()]),
    ownEquals: operators.get("=")?.facts.found.some(({ onPlainTypes }) => onPlainTypes) ?? false,
    tags: [...oids].map((oid) => registry.functionTag(oid)),
    refusals,
  };
}

const ALL = "*";
/** They take texts apart as the catalog's configurations say. */
const SEARCHES = /tsvector|tsquery|^ts_|^@@|^reg(config|dictionary)$/;

function foundOf(
  ...kinds: readonly ReadonlyMap<string, Item<NameFacts<CastFacts>>>[]
): readonly CastFacts[] {
  return kinds.flatMap((items) => [...items.values()].flatMap(({ facts }) => facts.found));
}

const NONE: ReadonlyMap<string, Item<NameFacts<unknown>>> = new Map();

function canMean(
  facts: FunctionFacts,
  { name, argumentCount }: FunctionUse,
  { place, schemas }: { place: Place; schemas: ReadonlyMap<string, number> },
): boolean {
  if (!takes(facts, argumentCount)) return false;
  if (name.schema !== undefined) return schemas.get(name.schema) === facts.namespace;
  return place.namespaces.includes(facts.namespace);
}

function unsafe(
  items: ReadonlyMap<string, Item<NameFacts<number>>>,
  because: (name: string) => string,
): readonly Refusal[] {
  const found = [...items].filter(([, { facts }]) => facts.found.length > 0);
  return found.map(([name]) => refusal(because(name)));
}

function refusal(because: string): Refusal {
  // What is not known may do anything.
  return { because, mayWrite: true, stateful: false, personal: false };
}

function typeNames(uses: Uses): readonly string[] {
  return unique(uses.types.map(({ name }) => name));
}

function schemaNames(functions: readonly FunctionUse[]): readonly string[] {
  return unique(functions.flatMap(({ name }) => (name.schema === undefined ? [] : [name.schema])));
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}

function nameOf({ schema, name }: QualifiedName): string {
  return schema === undefined ? name : `${schema}.${name}`;
}
