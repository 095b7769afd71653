import type { Request } from "express";
import { formatLinks, type Link, linkTarget, type PageLocation } from "hasten/http";

/** The path and raw query a page's links are made from: the caller's own, never `Host`. */
export function locationOf(req: Request): PageLocation {
  const [path = "/", ...rest] = req.originalUrl.split("?");
  return { path, rawQuery: rest.join("?") };
}

interface CursorPlace {
  readonly limit: number;
  readonly next?: string | undefined;
  readonly prev?: string | undefined;
}

/** Links of a walk by cursor: an empty cursor is its first page. */
export function cursorLinks(page: CursorPlace, location: PageLocation): string {
  const to = (rel: string, cursor: string): Link => ({
    rel,
    href: linkTarget(location.path, location.rawQuery, {
      page: undefined,
      cursor,
      limit: page.limit,
    }),
  });
  const links = [to("first", "")];
  if (page.prev !== undefined) links.push(to("prev", page.prev));
  if (page.next !== undefined) links.push(to("next", page.next));
  return formatLinks(links) ?? "";
}

/** The link that goes on by cursor from the last page that has a number. */
export const onwardLink = (cursor: string, limit: number, location: PageLocation): string =>
  cursorLinks({ limit, next: cursor }, location).split(", ").at(-1)!;
