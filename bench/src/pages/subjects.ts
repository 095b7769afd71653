import { type Database, offsetQuery, pageQuery, readOffsetPage } from "hasten/postgres";
import type pg from "pg";
import { events } from "./table.ts";

export type Sort = "newest" | "mixed";

/** One way to read one page: its statement for EXPLAIN, and the whole read as an API does it. */
export interface Subject {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
  read(): Promise<readonly { readonly id: string }[]>;
}

/** The library's own reads, and a plain client for the ways it is compared with and for EXPLAIN. */
export interface Connections {
  readonly db: Database;
  readonly client: pg.Client;
}

/** The ways to read page one and the page after `depth` rows in one sort. */
export interface Subjects {
  readonly first: Subject;
  /** The page after the first: a cursor's own cost, without depth. */
  readonly second: Subject;
  readonly deep: Subject;
  readonly offset: Subject;
  readonly expandedOr: Subject;
}

const LIMIT = 20;

export async function subjectsOf(
  { db, client }: Connections,
  sort: Sort,
  depth: number,
): Promise<Subjects> {
  const page = depth / LIMIT;
  const { rows, next } = await readOffsetPage(client, events, { sort, page, limit: LIMIT });
  const cursor = next!;
  const { next: early } = await db.page(events, { sort, limit: LIMIT });
  const numbered = { sort, page: page + 1, limit: LIMIT };
  const at = (text: string): string => `${sort}, ${text}`;
  return {
    first: {
      name: at("page 1 by cursor"),
      ...pageQuery(events, { sort, limit: LIMIT }),
      read: async () => (await db.page(events, { sort, limit: LIMIT })).rows,
    },
    second: {
      name: at("page 2 by cursor"),
      ...pageQuery(events, { sort, limit: LIMIT, cursor: early }),
      read: async () => (await db.page(events, { sort, limit: LIMIT, cursor: early })).rows,
    },
    deep: {
      name: at("deep page by cursor"),
      ...pageQuery(events, { sort, limit: LIMIT, cursor }),
      read: async () => (await db.page(events, { sort, limit: LIMIT, cursor })).rows,
    },
    offset: {
      name: at("deep page by OFFSET"),
      ...offsetQuery(events, numbered),
      read: async () => (await readOffsetPage(client, events, numbered)).rows,
    },
    expandedOr: await expandedOr(client, sort, rows.at(-1)!.id),
  };
}

const ORDER: Readonly<Record<Sort, string>> = {
  newest: "created desc, id desc",
  mixed: "status, score desc nulls last, id desc",
};

/** The predicate popular libraries write, with NULLs handled as it would have to be. */
const AFTER: Readonly<Record<Sort, string>> = {
  newest: "created < $1::timestamptz or (created = $1::timestamptz and id < $2)",
  mixed: `status > $1
    or (status = $1 and $2::int is not null and (score < $2 or score is null))
    or (status = $1 and score is not distinct from $2 and id < $3)`,
};
const PLACE: Readonly<Record<Sort, string>> = {
  newest: "created::text, id",
  mixed: "status, score, id",
};

async function expandedOr(client: pg.Client, sort: Sort, id: string): Promise<Subject> {
  const place = await client.query<unknown[]>({
    text: `select ${PLACE[sort]} from events where id = $1`,
    values: [id],
    rowMode: "array",
  });
  const text = `select id, created, status, score, name from events
    where ${AFTER[sort]} order by ${ORDER[sort]} limit ${LIMIT}`;
  const values = place.rows[0]!;
  return {
    name: `${sort}, deep page by expanded OR`,
    text,
    values,
    read: async () => (await client.query<{ id: string }>(text, values)).rows,
  };
}
