import { createHash } from "node:crypto";
import { PostgresError } from "../errors.ts";
import { IDENTIFIER_BYTES_MAX } from "../ident.ts";
import { ident, type Sql, sql, trustedSql } from "../sql.ts";

export type IndexMethod = "btree" | "hash" | "gin" | "gist" | "spgist" | "brin";

/** A column, or an expression, of an index. */
export interface IndexColumn {
  /** Either a column… */
  readonly column?: string;
  /** …or an expression without values: sql`lower(name)`. */
  readonly expression?: Sql;
  /** @default "asc" */
  readonly direction?: "asc" | "desc";
  /** @default the server's: last when ascending, first when descending */
  readonly nulls?: "first" | "last";
  /** For example "text_pattern_ops", or ["public", "gin_trgm_ops"]. */
  readonly opclass?: string | readonly string[];
  readonly collation?: string | readonly string[];
}

export interface IndexSpec {
  /** Table, or schema and table. */
  readonly table: string | readonly string[];
  readonly columns: readonly (string | IndexColumn)[];
  /** @default false */
  readonly unique?: boolean;
  /** @default "btree" */
  readonly method?: IndexMethod;
  /** Condition of a partial index, without values: sql`deleted_at is null`. */
  readonly where?: Sql;
  /** Columns kept in the index for index-only scans. */
  readonly include?: readonly string[];
  /** @default derived from the definition, at most 63 bytes */
  readonly name?: string;
  /** Builds without blocking writes; not for partitioned tables. @default true */
  readonly concurrently?: boolean;
  /** Updates the table's statistics after building. @default true */
  readonly analyze?: boolean;
  /** Longest time for the build. @default 3_600_000 */
  readonly timeoutMs?: number;
  /** Longest wait for another session that ensures the same index. @default 600_000 */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

export type IndexOutcome =
  /** It was built now. */
  | { readonly kind: "created"; readonly name: string; readonly durationMs: number }
  /** An equal one was there, possibly under another name. */
  | { readonly kind: "exists"; readonly name: string }
  /** An unusable leftover of an interrupted build was replaced. */
  | { readonly kind: "rebuilt"; readonly name: string; readonly durationMs: number };

const METHODS: ReadonlySet<string> = new Set(["btree", "hash", "gin", "gist", "spgist", "brin"]);
const COLUMNS_MAX = 32;

export const indexInvalid = (message: string, fix: string): PostgresError =>
  new PostgresError("HST_PG_INDEX", { message, fix });

/** Parts of the table's name. */
export const tableParts = (spec: IndexSpec): readonly string[] =>
  typeof spec.table === "string" ? [spec.table] : spec.table;

/** `[unique]`, and what follows the table in CREATE INDEX. */
export interface IndexText {
  readonly unique: Sql;
  readonly body: Sql;
  readonly name: string;
}

/** Checks a spec and renders it. @throws HST_PG_INDEX */
export function renderIndex(spec: IndexSpec): IndexText {
  const { columns, include = [], method = "btree" } = spec;
  if (columns.length === 0 || columns.length + include.length > COLUMNS_MAX)
    throw indexInvalid(`An index has 1 to ${COLUMNS_MAX} columns.`, "Name the columns.");
  if (!METHODS.has(method))
    throw indexInvalid("The index method is unknown.", `Use one of ${[...METHODS].join(", ")}.`);
  const list = sql.join(columns.map(renderColumn));
  const included =
    include.length === 0
      ? sql.empty
      : sql` include (${sql.join(include.map((name) => ident(name)))})`;
  const where =
    spec.where === undefined ? sql.empty : sql` where (${constant(spec.where, "where")})`;
  const body = sql`using ${trustedSql(method)} (${list})${included}${where}`;
  const unique = spec.unique === true ? sql`unique ` : sql.empty;
  return { unique, body, name: spec.name ?? deriveName(spec, body.text) };
}

function renderColumn(given: string | IndexColumn): Sql {
  if (typeof given === "string") return ident(given);
  const { column, expression, direction = "asc", nulls, opclass, collation } = given;
  if ((column === undefined) === (expression === undefined))
    throw indexInvalid("An index column is a column or an expression.", "Give one of the two.");
  if (direction !== "asc" && direction !== "desc")
    throw indexInvalid("A direction is asc or desc.", "Use one of them.");
  if (nulls !== undefined && nulls !== "first" && nulls !== "last")
    throw indexInvalid("nulls is first or last.", "Use one of them.");
  const base = column === undefined ? sql`(${constant(expression!, "expression")})` : ident(column);
  const collate =
    collation === undefined ? sql.empty : sql` collate ${ident(...[collation].flat())}`;
  const operators = opclass === undefined ? sql.empty : sql` ${ident(...[opclass].flat())}`;
  const order = trustedSql(
    `${direction === "desc" ? " desc" : ""}${nulls === undefined ? "" : ` nulls ${nulls}`}`,
  );
  return sql`${base}${collate}${operators}${order}`;
}

/** PostgreSQL takes no parameters in definitions. */
function constant(part: Sql, what: string): Sql {
  if (part.values.length === 0) return part;
  throw indexInvalid(
    `The ${what} of an index holds values, which PostgreSQL does not take in a definition.`,
    "Write the constants in the SQL text.",
  );
}

/** Plain ones are named by table and columns; others carry a hash of the definition, so that the name changes with it. */
function deriveName(spec: IndexSpec, body: string): string {
  const table = tableParts(spec).at(-1) ?? "";
  const plain = spec.columns.every((column) => typeof column === "string");
  const simple =
    plain &&
    spec.where === undefined &&
    spec.include === undefined &&
    (spec.method ?? "btree") === "btree";
  const names = spec.columns.map((one) => (typeof one === "string" ? one : (one.column ?? "expr")));
  const ending = spec.unique === true ? "key" : "idx";
  const full = [table, ...names].join("_");
  if (simple && Buffer.byteLength(full) + 4 <= IDENTIFIER_BYTES_MAX) return `${full}_${ending}`;
  const hash = createHash("sha256").update(`${ending} ${table} ${body}`).digest("hex").slice(0, 8);
  return `${cut(full, IDENTIFIER_BYTES_MAX - 1 - hash.length - 4)}_${hash}_${ending}`;
}

/** The longest beginning that fits, without breaking a character. */
function cut(text: string, bytesMax: number): string {
  let out = "";
  for (const char of text) {
    if (Buffer.byteLength(out) + Buffer.byteLength(char) > bytesMax) break;
    out += char;
  }
  return out;
}
