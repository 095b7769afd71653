import { startPostgres } from "hasten-tools/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faultyProxy } from "../../../testing/index.ts";
import { setUp } from "../prepare.ts";
import type { Finding, FindingId } from "./finding.ts";
import { preflight } from "./preflight.ts";

const NO_PUBLICATION = "publication-missing";

async function exec(url: string, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

const ids = (findings: readonly Finding[]): readonly FindingId[] => findings.map(({ id }) => id);
const find = (findings: readonly Finding[], id: FindingId): Finding | undefined =>
  findings.find((finding) => finding.id === id);

async function looked(url: string, directUrl?: string) {
  const result = await preflight({ url, directUrl });
  return { ...result, ids: ids(result.findings) };
}

describe("on a prepared server", () => {
  test("says what is missing, with SQL that works", async () => {
    await using database = await freshDatabase();
    const { url } = database;
    await exec(
      url,
      "create table orders (id int primary key, note text)",
      "create table log_lines (line text)",
      "create table parts (id int, day date, primary key (id, day)) partition by range (day)",
      "create table parts_1 partition of parts for values from ('2026-01-01') to ('2027-01-01')",
      'create schema "Odd""Name"',
      'create table "Odd""Name"."T.x" (id uuid primary key)',
    );
    const before = await looked(url);
    expect(before.promise).toBe("own-writes");
    const missing = find(before.findings, NO_PUBLICATION)!;
    expect(missing.stops).toEqual(["stream"]);
    expect(find(before.findings, "identity-missing")!.tables).toEqual(["public.log_lines"]);

    await exec(url, ...missing.sql);
    const after = await looked(url);
    expect(after.promise).toBe("stream");
    expect(after.ids).not.toContain("tables-unpublished");

    await exec(url, ...find(after.findings, "identity-missing")!.sql);
    const then = await looked(url);
    expect(find(then.findings, "tables-unpublished")!.tables).toEqual(["public.log_lines"]);
    await exec(url, ...find(then.findings, "tables-unpublished")!.sql);
    expect(ids((await looked(url)).findings)).toEqual(
      expect.not.arrayContaining(["tables-unpublished", "identity-missing"]),
    );
  });

  test("a replication connection that broke off is no refusal, unless it does so again", async () => {
    await using database = await freshDatabase();
    const direct = new URL(database.url);
    await using proxy = await faultyProxy({
      host: direct.hostname,
      port: Number(direct.port),
    });
    const way = new URL(database.url);
    way.hostname = "127.0.0.1";
    way.port = String(proxy.port);
    const broken = { when: "request", holding: "\0replication\0", deliver: false } as const;
    const once = proxy.cut(broken);
    expect((await looked(way.href)).ids).not.toContain("replication-refused");
    await once;
    void proxy.cut(broken);
    void proxy.cut(broken);
    expect((await looked(way.href)).ids).toContain("replication-refused");
    void proxy.cut(broken).then(() => proxy.mode("refuse"));
    expect((await looked(way.href)).ids).toEqual(["unreachable"]);
  });

  test("setUp publishes what may be published, follows new tables, and never touches another's publication", async () => {
    await using database = await freshDatabase();
    const { url } = database;
    await exec(
      url,
      "create table orders (id int primary key)",
      "create table bare (line text)",
      "create table family (id int primary key)",
      "create table child () inherits (family)",
    );
    expect(await setUp({ url })).toEqual(["created the publication with 2 tables"]);
    expect(await setUp({ url })).toEqual([]);
    await exec(url, "create table later (id int primary key)");
    await exec(url, "alter table orders drop constraint orders_pkey");
    expect(await setUp({ url })).toEqual([
      "took public.orders out of the publication: it has no replica identity",
      "added public.later to the publication",
    ]);
    await exec(url, "update orders set id = 1", "update child set id = 1");
    await exec(url, "create publication mine for table later");
    await exec(url, "create table more (id int primary key)");
    expect(await setUp({ url, publication: "mine" })).toEqual([]);
  });

  test("a generated column in the identity would make every UPDATE fail: not published", async () => {
    await using database = await freshDatabase();
    const { url } = database;
    await exec(
      url,
      "create table whole (id int primary key, n int, g int generated always as (n * 2) stored)",
      "alter table whole replica identity full",
      "create table keyed (id int, g int generated always as (id * 2) stored primary key)",
      "create table beside (id int primary key, g int generated always as (id * 2) stored)",
    );
    expect(await setUp({ url })).toEqual(["created the publication with 1 table"]);
    for (const table of ["whole", "keyed", "beside"])
      await exec(url, `insert into ${table} (id) values (1)`, `update ${table} set id = 2`);
    const finding = find((await looked(url)).findings, "identity-missing")!;
    expect(finding.tables).toEqual(["public.keyed", "public.whole"]);
    expect(finding.sql).toEqual([]);
  });

  test("a publication that would miss changes stops the stream", async () => {
    await using database = await freshDatabase();
    const { url } = database;
    await exec(
      url,
      "create table a (id int primary key, b int)",
      "create publication hasten for table a where (id > 5) with (publish = 'insert, update', publish_via_partition_root = true)",
    );
    const found = await looked(url);
    expect(found.promise).toBe("own-writes");
    expect(found.ids).toEqual(
      expect.arrayContaining([
        "publication-lacks-actions",
        "publication-publishes-roots",
        "publication-filters-rows",
      ]),
    );
    for (const { id, sql } of found.findings)
      if (id.startsWith("publication-") && id !== "publication-filters-rows")
        await exec(url, ...sql);
    const after = await looked(url);
    expect(after.promise).toBe("stream");
  });

  test("a table with a column list is filtered, one without is not", async () => {
    await using database = await freshDatabase();
    const { url } = database;
    await exec(
      url,
      "create table a (id int primary key, b int)",
      "create table c (id int primary key, d int generated always as (id + 1) stored)",
      "alter table c add column gone int",
      "alter table c drop column gone",
      "create publication hasten for table a (id), c",
    );
    const found = await looked(url);
    expect(find(found.findings, "publication-filters-rows")!.tables).toEqual(["public.a"]);
  });

  test("a published table without identity: its failing UPDATE is named", async () => {
    await using database = await freshDatabase();
    const { url } = database;
    await exec(url, "create table bare (n int)", "create publication hasten for all tables");
    const finding = find((await looked(url)).findings, "identity-missing")!;
    expect(finding.says).toContain('UPDATE and DELETE fail now on "public"."bare"');
  });

  test("a role without the right is told the statement that gives it", async () => {
    await using database = await freshDatabase();
    const { url } = database;
    const role = `plain_${process.pid}_${Math.trunc(performance.now())}`;
    await exec(url, `create role ${role} login password 'x'`);
    const plain = new URL(url);
    plain.username = role;
    plain.password = "x";
    try {
      const found = await looked(plain.href);
      expect(found.promise).toBe("own-writes");
      expect(find(found.findings, "replication-right")!.sql).toEqual([
        `ALTER ROLE "${role}" REPLICATION`,
      ]);
      expect(found.ids).not.toContain("replication-refused");
      await exec(url, ...find(found.findings, "replication-right")!.sql);
      expect((await looked(plain.href)).ids).not.toContain("replication-right");
    } finally {
      await exec(url, `drop role ${role}`);
    }
  });

  test("two URLs of different databases are refused", async () => {
    await using one = await freshDatabase();
    await using other = await freshDatabase();
    const found = await looked(one.url, other.url);
    expect(found.promise).toBe("ttl");
    expect(found.ids[0]).toBe("other-database");
  });

  test("a server that is not there is a finding, without the password", async () => {
    const found = await looked("postgres://u:secret@127.0.0.1:1/x");
    expect(found.promise).toBeUndefined();
    expect(found.ids).toEqual(["unreachable"]);
    expect(JSON.stringify(found)).not.toContain("secret");
  });
});

describe("on a server as it comes", () => {
  let url: string;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    const server = await startPostgres({
      flags: [
        ...["-c", "wal_level=replica", "-c", "max_wal_senders=3"],
        ...["-c", "max_replication_slots=2", "-c", "synchronous_commit=off"],
      ],
    });
    url = server.url;
    stop = () => server.stop();
  });
  afterAll(() => stop());

  test("names wal_level and promises less", async () => {
    const found = await looked(url);
    expect(found.promise).toBe("own-writes");
    const finding = find(found.findings, "wal-level")!;
    expect(finding.says).toContain("replica");
    expect(finding.sql).toEqual(["ALTER SYSTEM SET wal_level = 'logical'"]);
    expect(found.ids).toContain("synchronous-commit");
  });

  test("names exhausted slots", async () => {
    await exec(
      url,
      "select pg_create_physical_replication_slot('one')",
      "select pg_create_physical_replication_slot('two')",
    );
    const found = await looked(url);
    expect(find(found.findings, "slots-exhausted")!.says).toContain("All 2");
    expect(found.processes).toBe(0);
    await exec(url, "select pg_drop_replication_slot(slot_name) from pg_replication_slots");
    expect((await looked(url)).ids).not.toContain("slots-exhausted");
  });
});
