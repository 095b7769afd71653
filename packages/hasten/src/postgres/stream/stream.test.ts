/** The stream on a real server: what is dropped, and when. */
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterEach, expect, test, vi } from "vitest";
import { broadTag, rowTag, tableTag } from "../../core/sql-tag.ts";
import type { ColumnKind, Interest, TableInterest } from "../statements/interest.ts";
import { type ChangeStream, openStream, type StreamOptions } from "./index.ts";

vi.setConfig({ testTimeout: 60_000 });

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const it of open.splice(0).reverse()) await it.close();
});

interface World {
  readonly url: string;
  readonly writer: pg.Client;
  readonly stream: ChangeStream;
  /** Tags dropped since the latest look. */
  dropped(): readonly string[];
  /** Values can depend on rows of this table from now on. */
  want(table: string, columns?: Record<string, ColumnKind>): Promise<number>;
  forget(table: string): void;
}

async function client(url: string): Promise<pg.Client> {
  const it = new pg.Client({ connectionString: url });
  it.on("error", () => undefined);
  await it.connect();
  open.push({ close: () => it.end() });
  return it;
}

async function world(setup: string, given: Partial<StreamOptions> = {}): Promise<World> {
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

const tagOf = (table: string): string => tableTag({ database: "d", schema: "public", table });
const row = (table: string, column: string, value: string): string =>
  rowTag(tagOf(table), column, value);
const write = { tags: [], complete: true, changesSchema: false };

test("a committed change is dropped before settle resolves, a rolled back one is not", async () => {
  const { writer, stream, dropped, want } = await world(
    "create table items (id int primary key, name text)",
  );
  await want("items", { id: "integer" });
  expect(stream.status().state).toMatch(/live|late/);
  await writer.query("insert into items values (1, 'a'), (2, 'b')");
  expect(await stream.settle(write)).toBe("applied");
  expect(dropped()).toEqual([tagOf("items"), row("items", "id", "1"), row("items", "id", "2")]);
  await writer.query("begin; update items set name = 'c'; rollback");
  expect(await stream.settle(write)).toBe("applied");
  expect(dropped()).toEqual([]);
});

test("old and new rows are named under each replica identity", async () => {
  const { writer, stream, dropped, want } = await world(`
    create table plain (id int primary key, kind text, body text);
    create table whole (id int primary key, kind text, body text);
    alter table whole replica identity full;
    create table indexed (id int primary key, kind text not null, body text);
    create unique index indexed_kind on indexed (kind);
    alter table indexed replica identity using index indexed_kind;
    alter table plain alter body set storage external;
    alter table whole alter body set storage external;
    insert into plain values (1, 'k', repeat('x', 10000));
    insert into whole values (1, 'k', repeat('x', 10000));
    insert into indexed values (1, 'k', 'x');`);
  await want("plain", { id: "integer" });
  await want("whole", { id: "integer", kind: "text", body: "text" });
  await want("indexed", { kind: "text" });
  await stream.settle(write);
  dropped();

  await writer.query("update plain set id = 2");
  await stream.settle(write);
  expect(dropped()).toEqual([tagOf("plain"), row("plain", "id", "1"), row("plain", "id", "2")]);

  await writer.query("update whole set kind = 'l'");
  await stream.settle(write);
  const body = row("whole", "body", "x".repeat(10_000));
  const id = row("whole", "id", "1");
  const kinds = [row("whole", "kind", "k"), row("whole", "kind", "l")];
  expect(dropped()).toEqual([tagOf("whole"), body, id, ...kinds].sort());

  await writer.query("update indexed set kind = 'm'; delete from indexed");
  await stream.settle(write);
  expect(dropped()).toEqual([
    tagOf("indexed"),
    row("indexed", "kind", "k"),
    row("indexed", "kind", "m"),
  ]);
});

test("a column that both rows do not tell, and TRUNCATE, name the whole table", async () => {
  const { writer, stream, dropped, want } = await world(
    "create table items (id int primary key, name text); insert into items values (1, 'a')",
  );
  await want("items", { id: "integer", name: "text" });
  await writer.query("update items set name = 'b'");
  await stream.settle(write);
  expect(dropped()).toEqual([tagOf("items"), broadTag(tagOf("items"))]);
  await want("items", { id: "integer" });
  await writer.query("truncate items");
  await stream.settle(write);
  expect(dropped()).toEqual([tagOf("items"), broadTag(tagOf("items"))]);
});
