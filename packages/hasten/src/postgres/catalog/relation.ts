import type { Coverage } from "./run.ts";

/** A relation as the catalog describes it. */
export interface RelationFacts {
  readonly oid: number;
  readonly signature: string;
  /** Some of it is younger than this process's knowledge of the catalog. */
  readonly recent: boolean;
  readonly schema: string;
  readonly name: string;
  /** `r` table, `p` partitioned, `v` view, `m` materialized view, `f` foreign, `S` sequence, … */
  readonly kind: string;
  /** `p` permanent, `u` unlogged, `t` temporary. */
  readonly persistence: string;
  readonly rowSecurity: boolean;
  readonly forced: boolean;
  readonly owner: string;
  readonly covered: boolean;
  /** It has been for so long that no running transaction changed it before. */
  readonly settled: boolean;
  readonly columns: readonly ColumnFacts[];
  readonly parents: readonly number[];
  readonly children: readonly number[];
  /** Tables whose rows change with its own: ON DELETE or ON UPDATE CASCADE, SET NULL, SET DEFAULT. */
  readonly referencing: readonly number[];
  /** All tables with a foreign key to it: TRUNCATE … CASCADE empties them. */
  readonly referencedBy: readonly number[];
  /** Triggers, rules or defaults that may write elsewhere. */
  readonly firesMore: boolean;
  /** A view's query, all names in it with their schemas. */
  readonly definition: string | null;
}

export interface ColumnFacts {
  readonly name: string;
  /** A built-in type's name, `enum`, or empty for anything else. */
  readonly type: string;
  /** Of an enum: its type's name. */
  readonly enumName: string | null;
  readonly deterministic: boolean;
  /** Its text is looked up in the catalog: regclass and the like. */
  readonly looksUp: boolean;
  /** Both the old and the new row of a change tell its value. */
  readonly identity: boolean;
}

const SYSTEM_SCHEMA = /^(pg_catalog|information_schema|pg_toast.*|pg_temp.*)$/;

/** Why what is read from it cannot be kept; undefined if it can. Views: their tables decide. */
export function unreadable(facts: RelationFacts, coverage: Coverage["kind"]): string | undefined {
  const name = `${facts.schema}.${facts.name}`;
  if (SYSTEM_SCHEMA.test(facts.schema)) return `the system table ${name}`;
  if (facts.persistence === "t") return `the temporary table ${name}`;
  switch (facts.kind) {
    case "r":
    case "p":
    case "v":
      break;
    case "m":
      return `the materialized view ${name}`;
    case "f":
      return `the foreign table ${name}`;
    case "S":
      return `the sequence ${name}`;
    default:
      return `${name}, which is no table`;
  }
  const looksUp = facts.columns.find((column) => column.looksUp);
  if (looksUp !== undefined) return `the column ${name}.${looksUp.name}, a catalog look-up`;
  if (facts.kind === "v") return undefined;
  if (facts.persistence === "u") return `the unlogged table ${name}`;
  // Published leaves tell all of a partitioned table, which has no rows of its own.
  if (!facts.covered && (facts.kind === "r" || coverage !== "publication"))
    return `the table ${name}, whose changes are not published (npx hasten preflight tells the fix)`;
  return undefined;
}
