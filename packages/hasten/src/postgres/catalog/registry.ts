/**
 * What is known of the catalog, and whether it still holds.
 *
 * Invariants:
 * - Everything an analysis was made from is here, with the signature it had in the same snapshot,
 *   until a poll finds another one: then it is forgotten, its tags are dropped, and no analysis made
 *   before (`epoch`) is used again.
 * - What is younger than the latest poll before it was needed is told once as changed: a read that
 *   was sent before may have seen the one before.
 */
import { broadTag, functionTag, tableTag } from "../../core/sql-tag.ts";
import { InterestMap } from "./interest-map.ts";
import {
  ALL_FUNCTIONS_SQL,
  CASTS_SQL,
  FUNCTIONS_SQL,
  type FunctionFacts,
  type NameFacts,
  OPERATORS_SQL,
  SEARCH_SQL,
  TYPES_SQL,
} from "./name-sql.ts";
import { RESOLVE_SQL, SCHEMAS_SQL } from "./poll-sql.ts";
import { Publishing } from "./publishing.ts";
import type { RelationFacts } from "./relation.ts";
import { relationsSql } from "./relation-sql.ts";
import { type Coverage, jsonRows, type Run } from "./run.ts";
import { PATH_SQL, type PathFacts, schemasOf } from "./search-path.ts";
import { type Item, Shelf } from "./shelf.ts";

export interface RegistryOptions {
  readonly run: Run;
  readonly database: string;
  readonly coverage: Coverage;
}

export interface KnownPath extends PathFacts {
  readonly recent: false;
  readonly role: string;
  readonly schemas: readonly string[];
}

export interface Resolution {
  /** The relation's oid; null where the name means nothing. */
  readonly signature: number | null;
  readonly recent: false;
  readonly namespaces: readonly number[];
  readonly name: string;
}

export type NameKind = "functions" | "operators" | "types" | "casts" | "allFunctions" | "search";

const NAME_SQL: Readonly<Record<NameKind, string>> = {
  functions: FUNCTIONS_SQL,
  operators: OPERATORS_SQL,
  types: TYPES_SQL,
  casts: CASTS_SQL,
  allFunctions: ALL_FUNCTIONS_SQL,
  search: SEARCH_SQL,
};

/** Of one relation: beyond that a partitioned table is not followed. */
const DESCENDANTS_MAX = 5_000;

export class Registry {
  readonly coverage: Coverage;
  readonly database: string;
  readonly run: Run;
  readonly interest: InterestMap = new InterestMap();
  readonly relations: Shelf<RelationFacts> = new Shelf();
  readonly paths: Shelf<KnownPath> = new Shelf();
  readonly resolutions: Shelf<Resolution> = new Shelf();
  readonly names: Readonly<Record<NameKind, Shelf<NameFacts<unknown>>>> = {
    functions: new Shelf(),
    operators: new Shelf(),
    types: new Shelf(),
    casts: new Shelf(),
    allFunctions: new Shelf(),
    search: new Shelf(),
  };
  /** Changes when anything that analyses were made from did. */
  epoch = 0;
  /** Transactions from this one on are younger than the latest poll. */
  since: string | undefined = undefined;
  readonly publishing: Publishing = new Publishing();
  readonly #relationsSql: string;

  constructor({ run, database, coverage }: RegistryOptions) {
    this.run = run;
    this.database = database;
    this.coverage = coverage;
    this.#relationsSql = relationsSql(coverage);
  }

  get publication(): string | null {
    return this.coverage.kind === "publication" ? this.coverage.name : null;
  }

  /** A text says why it cannot be used. */
  async path(searchPath: string, role: string): Promise<Item<KnownPath> | string> {
    const key = JSON.stringify([searchPath, role]);
    const known = this.paths.get(key);
    if (known !== undefined) return known;
    const schemas = schemasOf(searchPath, role);
    if (typeof schemas === "string") return schemas;
    const values = [role, JSON.stringify(schemas)];
    const [found] = await jsonRows<Omit<PathFacts, "key">>(this.run, PATH_SQL, values);
    if (found === undefined) return "a role that is not known";
    const namespaces = [PG_CATALOG, ...found.namespaces];
    return this.paths.put(key, { ...found, namespaces, key, role, schemas, recent: false });
  }

  /** Which relations names mean in these schemas. */
  async resolve(
    namespaces: readonly number[],
    names: readonly string[],
  ): Promise<ReadonlyMap<string, Item<Resolution>>> {
    const keyOf = (name: string): string => JSON.stringify([namespaces, name]);
    const missing = names.filter((name) => this.resolutions.get(keyOf(name)) === undefined);
    if (missing.length > 0) {
      const asked = missing.map((name) => ({ namespaces, name }));
      const rows = await jsonRows<{ name: string; relation: number | null }>(
        this.run,
        RESOLVE_SQL,
        [JSON.stringify(asked)],
      );
      for (const { name, relation } of rows)
        this.resolutions.put(keyOf(name), { namespaces, name, signature: relation, recent: false });
    }
    return found(names, (name) => this.resolutions.get(keyOf(name)));
  }

  /** The oids of schemas by name; those that do not exist are left out. */
  async schemas(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (names.length === 0) return new Map();
    const rows = await jsonRows<{ name: string; oid: number | null }>(this.run, SCHEMAS_SQL, [
      JSON.stringify(names),
    ]);
    return found(
      rows.map(({ name }) => name),
      (name) => rows.find((row) => row.name === name)?.oid ?? undefined,
    );
  }

  /** Relations with everything below them: partitions and children. */
  async closure(
    oids: readonly number[],
    since: string | undefined,
  ): Promise<ReadonlyMap<number, Item<RelationFacts>>> {
    const all = new Map<number, Item<RelationFacts>>();
    let next: readonly number[] = oids;
    while (next.length > 0) {
      const loaded = await this.load(next, since);
      for (const [oid, item] of loaded) all.set(oid, item);
      if (all.size > DESCENDANTS_MAX) throw new RangeError("a table with too many partitions");
      const below = [...loaded.values()].flatMap(({ facts }) => facts.children);
      next = [...new Set(below)].filter((oid) => !all.has(oid));
    }
    return all;
  }

  async load(
    oids: readonly number[],
    since: string | undefined,
  ): Promise<ReadonlyMap<number, Item<RelationFacts>>> {
    const missing = oids.filter((oid) => this.relations.get(String(oid)) === undefined);
    if (missing.length > 0) {
      const { after } = this.publishing;
      const names = `{${missing.join(",")}}`;
      const values = [this.publication, names, since ?? null, after ?? null];
      const rows = await jsonRows<RelationFacts>(this.run, this.#relationsSql, values);
      const now = this.publishing.after;
      // Asked before the publication was seen to change, it is not known.
      for (const facts of rows)
        this.#shelve({
          ...facts,
          settled: now === undefined || (facts.settled && after === now),
        });
    }
    return found(oids, (oid) => this.relations.get(String(oid)));
  }

  async named<F>(
    kind: NameKind,
    names: readonly string[],
    since: string | undefined,
  ): Promise<ReadonlyMap<string, Item<NameFacts<F>>>> {
    const shelf = this.names[kind];
    const missing = names.filter((name) => shelf.get(name) === undefined);
    if (missing.length > 0) {
      const values = [JSON.stringify(missing), since ?? null];
      for (const facts of await jsonRows<NameFacts<F>>(this.run, NAME_SQL[kind], values))
        shelf.put(facts.name, facts);
    }
    return found(names, (name) => shelf.get(name) as Item<NameFacts<F>> | undefined);
  }

  functions(
    names: readonly string[],
    since: string | undefined,
  ): Promise<ReadonlyMap<string, Item<NameFacts<FunctionFacts>>>> {
    return this.named<FunctionFacts>("functions", names, since);
  }

  tableTag({ schema, name }: RelationFacts): string {
    return tableTag({ database: this.database, schema, table: name });
  }

  functionTag(oid: number): string {
    return functionTag(this.database, oid);
  }

  #shelve(facts: RelationFacts): void {
    const item = this.relations.put(String(facts.oid), facts);
    const tag = this.tableTag(facts);
    item.tags.add(tag).add(broadTag(tag));
  }
}

/** The oid of the schema that built-in names are in. */
export const PG_CATALOG = 11;

function found<K, V>(keys: readonly K[], of: (key: K) => V | undefined): ReadonlyMap<K, V> {
  const all = new Map<K, V>();
  for (const key of keys) {
    const value = of(key);
    if (value !== undefined) all.set(key, value);
  }
  return all;
}
