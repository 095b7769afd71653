/** The stream on a real server: what is dropped, and when. */
import { expect, test, vi } from "vitest";
import { broadTag } from "../../src/core/sql-tag.ts";
import { client, row, tagOf, world, write } from "./world.ts";

vi.setConfig({ testTimeout: 60_000 });

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

test("a leaf that is truncated or changed names its root", async () => {
  const { writer, stream, dropped, want } = await world(`
    create table events (id int, at int) partition by range (at);
    create table events_1 partition of events for values from (0) to (10);
    insert into events values (1, 1)`);
  await want("events_1");
  await writer.query("truncate events_1");
  await stream.settle(write);
  expect(dropped()).toEqual([tagOf("events_1"), broadTag(tagOf("events_1"))]);
  await writer.query("insert into events values (1, 1); truncate events");
  await stream.settle(write);
  expect(dropped()).toEqual([tagOf("events_1"), broadTag(tagOf("events_1"))]);
});

test("what was gathered under another interest is taken broadly, what nobody wants is counted", async () => {
  const { writer, stream, dropped, want, forget } = await world(
    "create table items (id int primary key)",
  );
  const before = stream.unmappedSeq;
  await writer.query("insert into items values (1)");
  await stream.settle(write);
  const after = stream.unmappedSeq;
  expect(after).toBeGreaterThan(before);
  expect(dropped()).toEqual([]);

  await want("items", { id: "integer" });
  await writer.query("insert into items values (2)");
  await stream.settle(write);
  expect(stream.unmappedSeq).toBe(after);
  expect(dropped()).toEqual([tagOf("items"), row("items", "id", "2")]);

  forget("items");
  await writer.query("insert into items values (3)");
  await stream.settle(write);
  expect(stream.unmappedSeq).toBeGreaterThan(after);
});

test("more than 1,000 rows of a table are taken broadly, and 1,000 are not", async () => {
  const { writer, stream, dropped, want } = await world("create table items (id int primary key)");
  await want("items", { id: "integer" });
  await writer.query("insert into items select generate_series(1, 1000)");
  await stream.settle(write);
  expect(dropped()).toHaveLength(1_001);
  await writer.query("insert into items select generate_series(1001, 2001)");
  await stream.settle(write);
  expect(dropped()).toEqual([tagOf("items"), broadTag(tagOf("items"))]);
});

test("columns that change in a transaction that is rolled back are not taken for the table's", async () => {
  const { writer, stream, dropped, want } = await world(
    "create table items (name text, id int primary key, body text)",
  );
  await want("items", { id: "integer" });
  await writer.query("insert into items values ('a', 1, '')");
  await stream.settle(write);
  expect(dropped()).toContain(row("items", "id", "1"));
  // Large enough to be streamed before it ends, with a column less.
  await writer.query(`begin; alter table items drop column name;
    insert into items select i, repeat('x', 1000) from generate_series(10, 90000) i; rollback`);
  await vi.waitFor(async () => expect(await stream.settle(write)).toBe("applied"), {
    timeout: 30_000,
  });
  await writer.query("insert into items values ('b', 2, '')");
  await stream.settle(write);
  expect(dropped()).toEqual([tagOf("items"), row("items", "id", "2")]);
});

test("a transaction of 500,000 rows does not hold up others, and counts once it commits", async () => {
  const { writer, stream, dropped, want, url } = await world(
    "create table big (id int primary key, n int); create table small (id int primary key)",
  );
  await want("big", { id: "integer" });
  await want("small", { id: "integer" });
  const other = await client(url);
  await writer.query("begin");
  await writer.query("insert into big select i, i from generate_series(1, 500000) i");
  await writer.query("savepoint one");
  await writer.query("update big set n = 0 where id < 1000; rollback to one");
  await vi.waitFor(() => expect(stream.status().counts.gathering).toBe(1), { timeout: 30_000 });
  // What was written in the meantime is read first; its transaction stays open.
  await vi.waitFor(async () => expect(await stream.settle(write)).toBe("applied"), {
    timeout: 30_000,
  });
  await other.query("insert into small values (1)");
  expect(await stream.settle(write)).toBe("applied");
  expect(dropped()).toEqual([row("small", "id", "1"), tagOf("small")].sort());
  await writer.query("commit");
  await vi.waitFor(() => expect(dropped()).toEqual([tagOf("big"), broadTag(tagOf("big"))]), {
    timeout: 30_000,
  });
  await writer.query("begin; update big set n = 1; rollback");
  await vi.waitFor(async () => expect(await stream.settle(write)).toBe("applied"), {
    timeout: 30_000,
  });
  expect(dropped()).toEqual([]);
  expect(stream.status().counts.gathering).toBe(0);
});

test("a hand-over misses nothing, repeats nothing and keeps its trust", async () => {
  const seen: string[] = [];
  const { writer, stream, want } = await world("create table items (id int primary key)", {
    drop: (tags) => void seen.push(...tags),
  });
  await want("items", { id: "integer" });
  const { trust } = stream;
  const first = stream.status().slot;
  let id = 0;
  let over = false;
  const writing = (async () => {
    while (!over) await writer.query("insert into items values ($1)", [++id]);
  })();
  await stream.handOver();
  await stream.handOver();
  over = true;
  await writing;
  expect(await stream.settle(write)).toBe("applied");
  expect(stream.trust).toBe(trust);
  expect(trust.ended).toBe(false);
  expect(stream.status().slot).not.toBe(first);
  const rows = seen.filter((tag) => tag.includes("id="));
  expect(rows).toEqual(Array.from({ length: id }, (_, at) => row("items", "id", String(at + 1))));
  const { rows: slots } = await writer.query(
    "select count(*)::int as n from pg_replication_slots where database = current_database()",
  );
  expect(slots[0].n).toBe(1);
});

test("invalidations by an application reach the other processes, in order, and not itself", async () => {
  const one = await world("select 1", { node: "one" });
  await one.writer.query("drop publication hasten");
  const two = await world("select 1", { node: "two", url: one.url });
  const heard: string[] = [];
  const own: string[] = [];
  one.stream.log.subscribe(({ keys }) => void own.push(...keys));
  two.stream.log.subscribe(({ keys, cache }) => void heard.push(`${cache}:${keys}`));
  const about = { cache: "c", how: "deleted", tags: [], prefixes: [] } as const;
  const sent = await Promise.all(
    Array.from({ length: 250 }, (_, at) =>
      one.stream.log.publish({ ...about, keys: [String(at)] }),
    ),
  );
  expect(sent.every(({ kind }) => kind === "applied")).toBe(true);
  await two.stream.settle(write);
  expect(heard).toEqual(Array.from({ length: 250 }, (_, at) => `c:${at}`));
  expect(own).toEqual([]);
  expect(two.stream.log.trust).toBe(two.stream.trust);
  // In the writer's own transaction: heard once it is committed.
  const message = JSON.stringify({ node: "sql", list: [{ ...about, keys: ["tx"] }] });
  heard.length = 0;
  await two.writer.query("begin");
  await two.writer.query("select pg_logical_emit_message(true, 'hasten.log', $1)", [message]);
  await two.stream.settle(write);
  expect(heard).toEqual([]);
  await two.writer.query("commit");
  await two.stream.settle(write);
  expect(heard).toEqual(["c:tx"]);
});

test("changed meanings are dropped before an own change of the schema is settled", async () => {
  let polled = 0;
  const { stream, dropped } = await world("select 1", {
    poll: async () => {
      polled += 1;
      return [`poll:${polled}`];
    },
  });
  dropped();
  const before = polled;
  expect(await stream.settle({ ...write, changesSchema: true })).toBe("applied");
  expect(polled).toBeGreaterThan(before);
  expect(dropped()).toContain(`poll:${before + 1}`);
});

test("settles that come together share pulses", async () => {
  const { stream } = await world("select 1", { heartbeatMs: 250 });
  const { pulses } = stream.status().counts;
  const all = await Promise.all(Array.from({ length: 500 }, () => stream.settle(write)));
  expect(all.every((it) => it === "applied")).toBe(true);
  expect(stream.status().counts.pulses - pulses).toBeLessThan(10);
});

test("without the publication opening is refused, and leaves nothing behind", async () => {
  const { url, writer } = await world("select 1");
  await expect(
    world("drop publication hasten", { url, publication: "other" }),
  ).rejects.toMatchObject({
    code: "HST_PG_STREAM",
  });
  await vi.waitFor(async () => {
    const { rows } = await writer.query(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name like 'hasten stream%'",
    );
    expect(rows[0].n).toBe(3);
  });
});
