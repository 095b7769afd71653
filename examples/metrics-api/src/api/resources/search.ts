import { type Database, type Sql, sql } from "hasten/postgres";
import { type Document, selectList, tableOf } from "./document.ts";
import { READ } from "./read-options.ts";
import type { Resource } from "./resource.ts";

/** How many matches a search returns. */
export const SEARCH_ROWS_MAX = 50;
/** Matches that are ranked; of a word that more rows have, nearly all would rank the same. */
export const RANKED_ROWS_MAX = 5_000;

export interface Search {
  readonly words: string;
  readonly filter: Sql | undefined;
  readonly fields: readonly string[] | undefined;
}

/**
 * The best matches, best first; equal ranks by id, so that pages of one search do not overlap.
 * The query text is read as search engines do ("quotes", or, -not) and never fails.
 */
export function searchStatement(resource: Resource, { words, filter, fields }: Search): Sql {
  const narrowed = filter === undefined ? sql.empty : sql`and ${filter}`;
  const match = sql`websearch_to_tsquery('english', ${words})`;
  return sql`
    select ${selectList(resource, fields)}
    from (
      select id, ts_rank(search, ${match}) as rank
      from (
        select id, search from ${tableOf(resource)} where search @@ ${match} ${narrowed}
        limit ${RANKED_ROWS_MAX}
      ) matches
      order by rank desc, id
      limit ${SEARCH_ROWS_MAX}
    ) best
    join ${tableOf(resource)} using (id)
    order by best.rank desc, id`;
}

export const search = (
  db: Database,
  resource: Resource,
  wanted: Search,
): Promise<readonly Document[]> => db.query<Document>(searchStatement(resource, wanted), READ);
