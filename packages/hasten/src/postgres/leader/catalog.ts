/**
 * What the leader knows of the catalog: the tags of every table's changes, and whether meanings are
 * the same as before.
 *
 * Invariants:
 * - It knows every table that the publication may tell of, with every column that a row tag can be
 *   made of, whoever reads it: no statement of any process depends on a change that is not told.
 * - A relation that it does not know yet, or anything in the catalog that is another one, makes
 *   another version: the term that was told under the one before is over.
 * - A look sees everything that was committed before it was asked for.
 */
import { broadTag, tableTag } from "../../core/sql-tag.ts";
import { InterestMap } from "../catalog/interest-map.ts";
import type { RelationFacts } from "../catalog/relation.ts";
import { jsonRows, type Run } from "../catalog/run.ts";
import { keyColumns } from "../statements/columns.ts";
import type { Interest, TableInterest } from "../statements/interest.ts";
import { Rounds } from "../stream/rounds.ts";
import { SCHEMA_SQL, TABLES_SQL } from "./catalog-sql.ts";
import type { LedCatalog } from "./types.ts";

export interface LeaderCatalogOptions {
  readonly run: Run;
  readonly database: string;
  readonly publication: string;
}

export interface LeaderCatalog extends LedCatalog {
  readonly interest: Interest;
}

/** A table as the leader needs it. */
interface ToldTable {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  /** It has rows of its own. */
  readonly stored: boolean;
  readonly children: readonly number[];
  readonly columns: RelationFacts["columns"];
}

const UNKNOWN = "sql-unknown";

/** Whether a change of a relation that is not known was dropped: see `unknown`. */
export function namesUnknown(tags: readonly string[]): boolean {
  return tags.includes(UNKNOWN);
}

const NOT_KNOWN: readonly TableInterest[] = [
  { tableTag: UNKNOWN, broadTag: broadTag(UNKNOWN), columns: new Map() },
];

export class WholeCatalog implements LeaderCatalog {
  readonly interest: Interest = { of: (oid) => this.#tables.of(oid) ?? NOT_KNOWN };
  readonly #options: LeaderCatalogOptions;
  readonly #looks: Rounds<void> = new Rounds(() => this.#look());
  #tables = new InterestMap();
  #version = 0;
  #schema = "";
  #position: string | undefined;
  /** Of the schema that `#tables` was read for; undefined: they are to be read again. */
  #readFor: string | undefined;

  constructor(options: LeaderCatalogOptions) {
    this.#options = options;
  }

  get version(): number {
    return this.#version;
  }

  get schema(): string {
    return this.#schema;
  }

  get position(): string | undefined {
    return this.#position;
  }

  /** A relation changed that is not known: it was made since the latest look. */
  unknown(): void {
    this.#version += 1;
    this.#readFor = undefined;
  }

  look(): Promise<void> {
    return this.#looks.ask();
  }

  async #look(): Promise<void> {
    const schema = await this.#ask();
    if (schema === this.#readFor) return;
    // Statements may mean something else from here on, whatever the tables turn out to be.
    this.#version += 1;
    this.#tables = await this.#read();
    const after = await this.#ask();
    const [row] = await this.#options.run("select pg_current_wal_insert_lsn()::text as position");
    this.#position = String(row?.["position"]);
    this.#schema = after;
    this.#readFor = after === schema ? after : undefined;
  }

  async #ask(): Promise<string> {
    const [row] = await this.#options.run(SCHEMA_SQL, [this.#options.publication]);
    return String(row?.["schema"]);
  }

  async #read(): Promise<InterestMap> {
    const { run, database } = this.#options;
    const tables = new Map<number, ToldTable>();
    for (const table of await jsonRows<ToldTable>(run, TABLES_SQL, []))
      tables.set(table.oid, table);
    const interest = new InterestMap();
    for (const told of tables.values()) {
      const below = descendants(told, tables);
      // As for a statement that reads the table.
      const stored = below.filter((it) => it.stored);
      const columns = keyColumns(told, stored, "publication");
      const tag = tableTag({ database, schema: told.schema, table: told.table });
      interest.add(
        told.oid,
        { tableTag: tag, broadTag: broadTag(tag) },
        {
          relations: below.map(({ oid }) => oid),
          columns: new Map([...columns].map(([name, { kind }]) => [name, kind])),
        },
      );
    }
    return interest;
  }
}

/** Itself and all below. */
function descendants(
  table: ToldTable,
  tables: ReadonlyMap<number, ToldTable>,
): readonly ToldTable[] {
  const found = new Set<ToldTable>([table]);
  for (const it of found)
    for (const child of it.children) {
      const below = tables.get(child);
      if (below !== undefined) found.add(below);
    }
  return [...found];
}
