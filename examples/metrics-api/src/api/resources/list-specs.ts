import { definePage, keyRing, type PageColumn, type PageSpec } from "hasten/postgres";
import type { ApiConfig } from "../deps.ts";
import type { Resource } from "./resource.ts";

/** Rows of a page by cursor when the request names no limit. */
export const CURSOR_LIMIT_DEFAULT = 20;
export const LIMIT_MAX = 100;
/** Rows of a read without pages. */
export const UNPAGED_ROWS_MAX = 1_000;
/** Deepest row reached by page number; the next link then goes on by cursor. */
export const OFFSET_MAX = 100_000;
/** Totals are exact up to this, estimated beyond. */
const COUNT_MAX = 100_000;
/** The same with a filter: some are only decided by reading the rows. */
export const FILTERED_COUNT_MAX = 20_000;

/**
 * Without `fields` a row is read as one document and taken apart here: PostgreSQL need not take it
 * out of `jsonb` member by member.
 */
export const WHOLE = "document";
export const ALL_FIELDS = [WHOLE, "id", "version", "created_at", "updated_at"];

/** A list's two definitions: with pages, and without. */
export interface ListSpecs {
  readonly paged: PageSpec;
  readonly unpaged: PageSpec;
}

export function listSpecs(resource: Resource, { cursorKeys }: ApiConfig): ListSpecs {
  const columns = Object.entries(resource.columns).map(
    ([name, { sql, type }]) => [name, { sql, type, nullable: type === "json" }] as const,
  );
  const whole: PageColumn = { type: "json", nullable: false };
  const definition = {
    from: resource.name,
    columns: { ...Object.fromEntries(columns), [WHOLE]: whole },
    key: ["id"],
    sorts: Object.fromEntries(resource.sorts.map((name) => [name, [name]])),
    offsetMax: OFFSET_MAX,
    countMax: COUNT_MAX,
    cursor: { keys: keyRing(cursorKeys) },
  };
  return {
    paged: definePage({
      ...definition,
      limit: { default: CURSOR_LIMIT_DEFAULT, max: LIMIT_MAX },
    }),
    unpaged: definePage({
      ...definition,
      limit: { default: UNPAGED_ROWS_MAX, max: UNPAGED_ROWS_MAX },
    }),
  };
}
