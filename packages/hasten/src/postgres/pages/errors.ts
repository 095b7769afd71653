import { HastenError } from "../../core/errors.ts";
import { ProblemError } from "../../core/problem.ts";

/** Every code of paging. Append-only: a retired code stays reserved. */
export const PAGE_CODES = [
  "HST_PAGE_COLUMN",
  "HST_PAGE_FROM",
  "HST_PAGE_KEY",
  "HST_PAGE_SORT",
  "HST_PAGE_LIMIT",
  "HST_PAGE_CURSOR_KEYS",
  "HST_PAGE_CURSOR_SIZE",
  "HST_PAGE_ROW",
] as const;

export type PageCode = (typeof PAGE_CODES)[number];

/** A mistake in a page's definition or in how its query was run; never a client's doing. */
export function pageError(code: PageCode, message: string, fix: string): HastenError {
  return new HastenError(code, message, fix);
}

/** Every problem a client can cause in paging, as the last part of its RFC 9457 type. */
export type PageProblem =
  | "invalid-cursor"
  | "unknown-sort"
  | "unknown-field"
  | "too-many-fields"
  | "offset-too-deep";

const TITLES: Readonly<Record<PageProblem, string>> = {
  "invalid-cursor": "The cursor is not valid for this list",
  "unknown-sort": "The list cannot be sorted so",
  "unknown-field": "A requested field does not exist",
  "too-many-fields": "Too many fields were requested",
  "offset-too-deep": "The page is too deep for page numbers",
};

/** A 400 answer (RFC 9457) that says what was wrong and what is allowed. */
export function pageProblem(
  kind: PageProblem,
  detail: string,
  extensions: Readonly<Record<string, unknown>> = {},
): ProblemError {
  return new ProblemError({
    ...extensions,
    type: `urn:hasten:problem:${kind}`,
    title: TITLES[kind],
    status: 400,
    detail,
  });
}
