/**
 * Paging over HTTP: what the client asked for, the headers and the body of a page.
 *
 * Invariants:
 * - `page` and `limit` never fail: out of range is clamped, unreadable is the default.
 * - A total that is not exact says so; `last` is linked only when the total is exact.
 * - Links are path-form from the caller's own path (see link.ts).
 */
import { wholeNumber } from "./errors.ts";
import { formatLinks, type Link, linkTarget } from "./link.ts";
import { type QueryValues, queryValues } from "./query-values.ts";

export const PAGE_DEFAULT = 1;
export const LIMIT_DEFAULT = 20;
export const LIMIT_MAX = 100;
/** Keeps every offset an exact number, whatever `limitMax`. */
export const PAGE_MAX = 1_000_000_000;

/** Response fields a browser must be allowed to read, for `Access-Control-Expose-Headers`. */
export const PAGING_FIELDS: readonly string[] = [
  "Link",
  "X-Total-Count",
  "X-Total-Count-Type",
  "X-Page",
  "X-Per-Page",
  "X-Total-Pages",
];

export interface PagingOptions {
  /** Rows per page when the client names none. 1 to `limitMax`. @default 20 */
  readonly limitDefault?: number | undefined;
  /** Most rows per page. 1 to 10000. @default 100 */
  readonly limitMax?: number | undefined;
  /** Highest page served: bounds the offset. @default 1000000000 */
  readonly pageMax?: number | undefined;
}

/** What to read: rows `offset` to `offset + limit`. */
export interface Paging {
  readonly page: number;
  readonly limit: number;
  readonly offset: number;
}

/**
 * Reads `page` and `limit`. Out of range is clamped, absent or not a number is the default; of
 * repeated parameters the first counts. Never fails on input.
 * @throws HastenError when an option is out of bounds.
 */
export function parsePaging(query: QueryValues, options: PagingOptions = {}): Paging {
  const limitMax = wholeNumber("limitMax", options.limitMax, {
    min: 1,
    max: 10_000,
    fallback: LIMIT_MAX,
  });
  const limitDefault = wholeNumber("limitDefault", options.limitDefault, {
    min: 1,
    max: limitMax,
    fallback: Math.min(LIMIT_DEFAULT, limitMax),
  });
  const pageMax = wholeNumber("pageMax", options.pageMax, {
    min: 1,
    max: PAGE_MAX,
    fallback: PAGE_MAX,
  });
  const page = clampedNumber(query, "page", { fallback: PAGE_DEFAULT, max: pageMax });
  const limit = clampedNumber(query, "limit", { fallback: limitDefault, max: limitMax });
  return { page, limit, offset: (page - 1) * limit };
}

const NUMBER = /^[+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?$/i;
const NUMBER_LENGTH_MAX = 32;

function clampedNumber(
  query: QueryValues,
  name: string,
  bounds: { readonly fallback: number; readonly max: number },
): number {
  const text = queryValues(query, name)[0]?.trim() ?? "";
  // A run of digits longer than that is out of range, whatever its value.
  if (text.length > NUMBER_LENGTH_MAX && /^\+?\d+$/.test(text)) return bounds.max;
  if (text.length > NUMBER_LENGTH_MAX || !NUMBER.test(text)) return bounds.fallback;
  return Math.min(Math.max(Math.trunc(Number(text)), 1), bounds.max);
}

/** How many rows there are: exactly, at least so many, about so many, or not known. */
export type Total =
  | { readonly kind: "exact"; readonly count: number }
  | { readonly kind: "capped"; readonly count: number }
  | { readonly kind: "estimated"; readonly count: number }
  | { readonly kind: "unknown" };

/** Moves a page beyond the last one to the last one. Leaves it when the total is not exact. */
export function clampPage(paging: Paging, total: Total): Paging {
  if (total.kind !== "exact") return paging;
  const page = Math.min(paging.page, Math.max(1, pagesOf(total.count, paging.limit)));
  return { page, limit: paging.limit, offset: (page - 1) * paging.limit };
}

export interface OffsetPage<T> {
  readonly rows: readonly T[];
  readonly paging: Paging;
  readonly total: Total;
  /** Whether another row follows; needed when the total is not exact. */
  readonly hasNext?: boolean | undefined;
}

export interface Pagination {
  readonly page: number;
  readonly limit: number;
  /** Null when not known. */
  readonly total: number | null;
  readonly pages: number | null;
  readonly hasNext: boolean;
  readonly hasPrev: boolean;
  /** Absent when the total is exact. */
  readonly totalType?: "capped" | "estimated" | "unknown";
}

/** The body of an offset page. */
export function offsetBody<T>(page: OffsetPage<T>): {
  readonly data: readonly T[];
  readonly pagination: Pagination;
} {
  return { data: page.rows, pagination: paginationOf(page) };
}

function paginationOf(page: OffsetPage<unknown>): Pagination {
  const { paging, total } = page;
  const count = total.kind === "unknown" ? null : total.count;
  const pages = count === null ? null : pagesOf(count, paging.limit);
  const more = total.kind === "exact" && pages !== null && paging.page < pages;
  return {
    page: paging.page,
    limit: paging.limit,
    total: count,
    pages,
    hasNext: total.kind === "exact" ? more : (page.hasNext ?? false),
    hasPrev: paging.page > 1,
    ...(total.kind === "exact" ? {} : { totalType: total.kind }),
  };
}

/** Where the links of a page point: your route's path and the raw query without "?". */
export interface PageLocation {
  readonly path: string;
  readonly rawQuery: string;
}

/** `X-Page`, `X-Per-Page`, totals and `Link` of an offset page. */
export function offsetHeaders(
  page: OffsetPage<unknown>,
  location: PageLocation,
): Record<string, string> {
  const { total, pages, page: number, limit, hasNext, hasPrev } = paginationOf(page);
  const exact = page.total.kind === "exact";
  const to = (target: number): string =>
    linkTarget(location.path, location.rawQuery, { page: target, limit });
  const links: Link[] = [{ href: to(1), rel: "first" }];
  if (hasPrev)
    links.push({ href: to(exact ? Math.min(number - 1, pages || 1) : number - 1), rel: "prev" });
  if (hasNext) links.push({ href: to(number + 1), rel: "next" });
  if (exact) links.push({ href: to(Math.max(1, pages ?? 1)), rel: "last" });
  return {
    Link: formatLinks(links) ?? "",
    "X-Page": String(number),
    "X-Per-Page": String(limit),
    ...(total === null ? {} : { "X-Total-Count": String(total) }),
    ...(pages === null ? {} : { "X-Total-Pages": String(pages) }),
    ...(exact ? {} : { "X-Total-Count-Type": page.total.kind }),
  };
}

function pagesOf(count: number, limit: number): number {
  return Math.ceil(Math.max(0, count) / limit);
}
