/** A database, a writer and a stream on it, for the tests of this folder. */
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterEach } from "vitest";
import { broadTag, rowTag, tableTag } from "../../src/core/sql-tag.ts";
import type {
  ColumnKind,
  Interest,
  TableInterest,
} from "../../src/postgres/statements/interest.ts";
import {
  type ChangeStream,
  openStream,
  type StreamOptions,
} from "../../src/postgres/stream/index.ts";

export const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const it of open.splice(0).reverse()) await it.close();
});

export interface World {
  readonly url: string;
  readonly writer: pg.Client;
  readonly stream: ChangeStream;
  /** Tags dropped since the latest look. */
  dropped(): readonly string[];
  /** Values can depend on rows of this table from now on. */
  want(table: string, columns?: Record<string, ColumnKind>): Promise<number>;
  forget(table: string): void;
}

export async function client(url: string): Promise<pg.Client> {
  const it = new pg.Client({ connectionString: url });
  it.on("error", () => undefined);
  await it.connect();
  open.push({ close: () => it.end() });
  return it;
}

export async function world(setup: string, given: Partial<StreamOptions> = {}): Promise<World> {
  const db = given.url === undefined ? await freshDatabase() : undefined;
  if (db !== undefined) open.push({ close: () => db.drop() });
  const url = given.url ?? db!.url;
  const writer = await client(url);
  await writer.query(setup);
  await writer.query("create publication hasten for all tables");
  const interests = new Map<number, readonly TableInterest[]>();
  const oids = new Map<string, number>();
  const interest: Interest = { of: (oid) => interests.get(oid) };
  let dropped: string[] = [];
  const stream = await openStream({
    publication: "hasten",
    interest,
    poll: async () => [],
    drop: (tags) => void dropped.push(...tags),
    boundMs: 500,
    heartbeatMs: 100,
    maxLagMs: 2_000,
    ...given,
    url,
  });
  open.push(stream);
  return {
    url,
    writer,
    stream,
    dropped() {
      const now = dropped;
      dropped = [];
      return [...new Set(now)].sort();
    },
    async want(table, columns = {}) {
      const { rows } = await writer.query("select $1::regclass::oid::int8::float8 as oid", [table]);
      const tag = tagOf(table);
      interests.set(rows[0].oid, [
        { tableTag: tag, broadTag: broadTag(tag), columns: new Map(Object.entries(columns)) },
      ]);
      oids.set(table, rows[0].oid);
      return rows[0].oid;
    },
    forget: (table) => void interests.delete(oids.get(table)!),
  };
}

export const tagOf = (table: string): string =>
  tableTag({ database: "d", schema: "public", table });
export const row = (table: string, column: string, value: string): string =>
  rowTag(tagOf(table), column, value);
export const write = { tags: [], complete: true, changesSchema: false };
