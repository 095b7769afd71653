/** Paging by cursor over HTTP: headers and body. The cursors themselves are opaque here. */
import { formatLinks, type Link, linkTarget } from "./link.ts";
import type { PageLocation, Total } from "./paging.ts";

export interface CursorPage<T> {
  readonly rows: readonly T[];
  readonly limit: number;
  readonly next?: string | undefined;
  readonly prev?: string | undefined;
  readonly hasNext: boolean;
  readonly hasPrev: boolean;
  /** Left out unless it was counted: a keyset page needs no count. */
  readonly total?: Total | undefined;
}

export interface CursorPagination {
  readonly limit: number;
  readonly next: string | null;
  readonly prev: string | null;
  readonly hasNext: boolean;
  readonly hasPrev: boolean;
  readonly total?: number;
  readonly totalType?: "capped" | "estimated";
}

/** The body of a cursor page. */
export function cursorBody<T>(page: CursorPage<T>): {
  readonly data: readonly T[];
  readonly pagination: CursorPagination;
} {
  const { rows, limit, next, prev, hasNext, hasPrev, total } = page;
  return {
    data: rows,
    pagination: {
      limit,
      next: hasNext ? (next ?? null) : null,
      prev: hasPrev ? (prev ?? null) : null,
      hasNext,
      hasPrev,
      ...(total === undefined || total.kind === "unknown" ? {} : { total: total.count }),
      ...(total?.kind === "capped" || total?.kind === "estimated" ? { totalType: total.kind } : {}),
    },
  };
}

/** `X-Per-Page`, `Link` (first, prev, next) and, where counted, the total of a cursor page. */
export function cursorHeaders(
  page: CursorPage<unknown>,
  location: PageLocation,
): Record<string, string> {
  const to = (cursor: string | undefined): string =>
    linkTarget(location.path, location.rawQuery, { page: undefined, cursor, limit: page.limit });
  const links: Link[] = [{ href: to(undefined), rel: "first" }];
  if (page.hasPrev && page.prev !== undefined) links.push({ href: to(page.prev), rel: "prev" });
  if (page.hasNext && page.next !== undefined) links.push({ href: to(page.next), rel: "next" });
  const { total } = page;
  const counted = total !== undefined && total.kind !== "unknown";
  return {
    Link: formatLinks(links) ?? "",
    "X-Per-Page": String(page.limit),
    ...(counted ? { "X-Total-Count": String(total.count) } : {}),
    ...(counted && total.kind !== "exact" ? { "X-Total-Count-Type": total.kind } : {}),
  };
}
