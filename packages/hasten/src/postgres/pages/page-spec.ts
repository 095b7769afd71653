import { hash } from "node:crypto";
import { quoteIdentifier } from "../ident.ts";
import { Sql } from "../sql.ts";
import { type ResolvedColumn, resolveColumns } from "./columns.ts";
import { pageError } from "./errors.ts";
import type { KeyRing } from "./key-ring.ts";
import type { PageOptions } from "./options.ts";
import { type ResolvedSort, resolveSorts } from "./sorts.ts";

/** A paged list, checked: made by {@link definePage}, read by the query builders. */
export interface PageSpec<Row = Record<string, unknown>> {
  /** What a request may name in `fields`, in the order rows show them. */
  readonly fieldNames: readonly string[];
  /** What a request may name as its sort (each also with `-` before it). */
  readonly sortNames: readonly string[];
  readonly sortDefault: string;
  readonly limit: { readonly default: number; readonly max: number };
  readonly offsetMax: number;
  readonly countMax: number;
  readonly fieldsMax: number;
  /** @internal */ readonly from: string;
  /** @internal */ readonly table: string | undefined;
  /** @internal */ readonly columns: ReadonlyMap<string, ResolvedColumn>;
  /** @internal */ readonly key: readonly string[];
  /** @internal */ readonly sorts: ReadonlyMap<string, ResolvedSort>;
  /** @internal */ readonly cursor: ResolvedCursor | undefined;
  /** Never set: carries the type of a row. */
  readonly row?: Row;
}

export interface ResolvedCursor {
  readonly keys: () => KeyRing;
  readonly ttlMs: number | undefined;
  readonly lengthMax: number;
  readonly wallMs: () => number;
}

/**
 * Checks a list's definition once, when the program starts.
 * @throws HST_PAGE_COLUMN, HST_PAGE_FROM, HST_PAGE_KEY, HST_PAGE_SORT, HST_PAGE_LIMIT for what is
 * unknown, contradictory or out of bounds.
 */
export function definePage<Row = Record<string, unknown>>(options: PageOptions): PageSpec<Row> {
  const columns = resolveColumns(options);
  const from = fromOf(options.from);
  const identity = (text: string): string => shortHash(`${from}\n${text}`);
  const sorts = resolveSorts(options, columns, identity);
  const sortNames = [...sorts.keys()].filter((name) => !sorts.get(name)!.implied);
  const sortDefault = options.sortDefault ?? sortNames[0]!;
  if (!sorts.has(sortDefault))
    throw pageError(
      "HST_PAGE_SORT",
      `sortDefault names no sort: ${sortDefault}.`,
      `Name one of ${sortNames.join(", ")}.`,
    );
  return {
    fieldNames: [...columns.values()].filter((one) => one.select).map((one) => one.name),
    sortNames,
    sortDefault,
    ...resolveBounds(options),
    from,
    table: typeof options.from === "string" ? from : undefined,
    columns,
    key: options.key,
    sorts,
    cursor: resolveCursor(options),
  };
}

/** 96 bits of SHA-256: what sorts and filters are told apart by. */
export function shortHash(text: string): string {
  return hash("sha256", text, "base64url").slice(0, 16);
}

function fromOf(from: string | Sql): string {
  if (typeof from === "string") return quoteIdentifier(from);
  if (Sql.is(from) && from.values.length === 0 && from.text.trim() !== "") return from.text;
  throw pageError(
    "HST_PAGE_FROM",
    "from must be a table's name or SQL without parameters.",
    "Put values into the request's filter.",
  );
}

function resolveBounds(
  options: PageOptions,
): Pick<PageSpec, "limit" | "offsetMax" | "countMax" | "fieldsMax"> {
  const max = within("limit.max", options.limit?.max ?? 100, [1, 10_000]);
  const byDefault = options.limit?.default ?? Math.min(20, max);
  return {
    limit: { default: within("limit.default", byDefault, [1, max]), max },
    offsetMax: within("offsetMax", options.offsetMax ?? 50_000, [0, 10_000_000]),
    countMax: within("countMax", options.countMax ?? 10_000, [0, 10_000_000]),
    fieldsMax: within("fieldsMax", options.fieldsMax ?? 64, [1, 1000]),
  };
}

function resolveCursor({ cursor }: PageOptions): ResolvedCursor | undefined {
  if (cursor === undefined) return undefined;
  const { keys, ttlMs } = cursor;
  if (ttlMs !== undefined) within("cursor.ttlMs", ttlMs, [1000, Number.MAX_SAFE_INTEGER]);
  return {
    keys: typeof keys === "function" ? keys : () => keys,
    ttlMs,
    lengthMax: within("cursor.lengthMax", cursor.lengthMax ?? 4096, [256, 65_536]),
    wallMs: cursor.wallMs ?? Date.now,
  };
}

function within(name: string, value: number, [min, max]: readonly [number, number]): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw pageError(
    "HST_PAGE_LIMIT",
    `${name} must be a whole number from ${min} to ${max}, got ${String(value)} (${typeof value}).`,
    "Pass a number within its bounds or leave it out.",
  );
}
