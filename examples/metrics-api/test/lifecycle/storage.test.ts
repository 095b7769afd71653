import { randomUUID } from "node:crypto";
import { type CoherenceStatus, createDatabase, migrate, sql } from "hasten/postgres";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StorageMode } from "../../src/config/index.ts";
import { MIGRATIONS } from "../../src/lifecycle/prepare.ts";
import { seed } from "../../src/seed/index.ts";
import { copyAll } from "../../src/storage/copy.ts";
import { type Opened, openStorage, type Storage } from "../../src/storage/index.ts";
import { COPIED_TABLES } from "../../src/storage/tables.ts";

interface Moving extends AsyncDisposable {
  readonly storage: Storage;
  readonly local: TestDatabase;
  readonly other: TestDatabase;
  readonly chosen: StorageMode[];
  cleared: number;
}

/** A database without coherence: what moves here is rows. */
async function openPlain(url: string): Promise<Opened> {
  const database = createDatabase({ url, pool: { min: 0, max: 5 }, healthEveryMs: 0 });
  return { database, coherence: () => UNTRUSTED, close: () => database.drain() };
}

const UNTRUSTED: CoherenceStatus = {
  state: "unavailable",
  promise: "ttl",
  boundMs: 500,
  because: undefined,
  confirmedAgoMs: undefined,
  position: "0/0",
  findings: [],
  sinceMs: 0,
};

let seeded: TestDatabase;

beforeAll(async () => {
  seeded = await freshDatabase();
  await migrate({ url: seeded.url, directory: MIGRATIONS });
  await seed({
    url: seeded.url,
    metrics: 5_000,
    demoUsers: true,
    hashPassword: async () => "x",
  });
});

afterAll(() => seeded.drop());

async function opened(find?: (mode: StorageMode) => Promise<string | undefined>): Promise<Moving> {
  const local = await freshDatabase({ template: seeded.name });
  const other = await freshDatabase();
  const chosen: StorageMode[] = [];
  const self = {
    local,
    other,
    chosen,
    cleared: 0,
    storage: await openStorage({
      mode: "local",
      url: local.url,
      find: find ?? (async (mode) => (mode === "local" ? local.url : other.url)),
      open: openPlain,
      migrations: MIGRATIONS,
      remember: (mode) => void chosen.push(mode),
      forgetCached: async () => {
        self.cleared++;
      },
    }),
    async [Symbol.asyncDispose]() {
      await self.storage[Symbol.asyncDispose]();
      await Promise.all([local.drop(), other.drop()]);
    },
  };
  return self;
}

async function rowsOf<R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Number and content of the rows of each table that is copied. */
async function digests(url: string): Promise<unknown> {
  const parts = COPIED_TABLES.map(
    ({ name, source }) =>
      `select '${name}' as name, count(*)::int as rows, md5(string_agg(copied::text, '' order by copied::text)) as digest from (${source}) copied`,
  );
  return rowsOf(url, parts.join(" union all "));
}

const addDomain = (storage: Storage, name: string): Promise<unknown> =>
  storage.write((db) =>
    db.query(
      sql`insert into domains (document) values (${JSON.stringify({ name, owner_team: "t" })}::jsonb)`,
    ),
  );

test("a switch under concurrent writes loses no acknowledged write and goes on where it ended", async () => {
  await using it = await opened();
  const acknowledged: string[] = [];
  let writing = true;
  const writers = Array.from({ length: 4 }, async () => {
    while (writing) {
      const name = randomUUID();
      await addDomain(it.storage, name);
      acknowledged.push(name);
    }
  });
  while (acknowledged.length < 50) await new Promise((resolve) => setImmediate(resolve));
  const outcome = await it.storage.switchTo("postgres");
  expect(outcome).toMatchObject({ kind: "switched", from: "local", to: "postgres" });
  const before = acknowledged.length;
  while (acknowledged.length < before + 50) await new Promise((resolve) => setImmediate(resolve));
  writing = false;
  await Promise.all(writers);

  const found = await rowsOf<{ name: string }>(it.other.url, "select name from domains");
  const names = new Set(found.map((row) => row.name));
  expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
  expect(it.storage.mode).toBe("postgres");
  expect(it.chosen).toEqual(["postgres"]);
  expect(it.cleared).toBe(1);
});

test("rows changed, moved, added and deleted during the bulk of the copy are caught up with", async () => {
  await using it = await opened();
  const source = new pg.Client({ connectionString: it.local.url });
  const target = new pg.Client({ connectionString: it.other.url });
  await Promise.all([source.connect(), target.connect()]);
  await migrate({ url: it.other.url, directory: MIGRATIONS });
  const between = async (): Promise<boolean> => {
    await rowsOf(
      it.local.url,
      `delete from objectives where id in (select id from objectives order by id limit 7);
       delete from metrics where id in (select id from metrics order by id limit 5);
       update metrics set document = document || '{"owner":"changed"}', version = version + 1
         where id in (select id from metrics order by id desc limit 9);
       insert into domains (document) values ('{"name":"new one","owner_team":"t"}');
       insert into users (document) values ('{"email":"late@example.com","name":"l","role":"viewer","active":true}');
       insert into user_credentials select id, 'h' from users where email = 'late@example.com'`,
    );
    return true;
  };
  try {
    const outcome = await copyAll({ source, target, closeGate: between });
    expect(outcome.kind).toBe("copied");
  } finally {
    await Promise.all([source.end(), target.end()]);
  }
  expect(await digests(it.other.url)).toEqual(await digests(it.local.url));
});

test("names that were exchanged during the bulk, which no row-by-row repair can follow, are copied right", async () => {
  await using it = await opened();
  const source = new pg.Client({ connectionString: it.local.url });
  const target = new pg.Client({ connectionString: it.other.url });
  await Promise.all([source.connect(), target.connect()]);
  await migrate({ url: it.other.url, directory: MIGRATIONS });
  const rename = (from: string, to: string): string =>
    `update domains set document = document || '{"name":"${to}"}' where name = '${from}';`;
  const exchange = async (): Promise<boolean> => {
    const [one, two] = (
      await rowsOf<{ name: string }>(it.local.url, "select name from domains order by name limit 2")
    ).map((row) => row.name);
    await rowsOf(it.local.url, rename(one!, "-") + rename(two!, one!) + rename("-", two!));
    return true;
  };
  try {
    expect(await copyAll({ source, target, closeGate: exchange })).toMatchObject({
      kind: "copied",
    });
  } finally {
    await Promise.all([source.end(), target.end()]);
  }
  expect(await digests(it.other.url)).toEqual(await digests(it.local.url));
});

test("a copy holds every column of every row but the demo's accounts", async () => {
  await using it = await opened();
  await it.storage.write((db) =>
    db.query(
      sql`insert into users (document) values (${JSON.stringify({ email: "real@example.com", name: "r", role: "viewer", active: true })}::jsonb)`,
    ),
  );
  await it.storage.switchTo("postgres");
  expect(await digests(it.other.url)).toEqual(await digests(it.local.url));
  expect(await rowsOf(it.other.url, "select email from users")).toEqual([
    { email: "real@example.com" },
  ]);
  expect(await rowsOf(it.other.url, "select state from metrics_api.system")).toEqual([
    { state: "live" },
  ]);
});

test("every table of the API is copied or known not to be", async () => {
  await using it = await opened();
  const tables = await rowsOf<{ name: string }>(
    it.local.url,
    "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
  );
  const known = [...COPIED_TABLES.map((table) => table.name), "hasten_migrations"];
  expect(tables.map((row) => row.name).filter((name) => !known.includes(name))).toEqual([]);
});

test("switching back overwrites the earlier copy and keeps the demo's accounts where they belong", async () => {
  await using it = await opened();
  await it.storage.switchTo("postgres");
  await addDomain(it.storage, "made on the other server");
  const outcome = await it.storage.switchTo("local");
  expect(outcome).toMatchObject({ kind: "switched", to: "local" });
  expect(await rowsOf(it.local.url, "select count(*)::int as n from users where demo")).toEqual([
    { n: 50 },
  ]);
  expect(
    await rowsOf(
      it.local.url,
      "select 1 as found from domains where name = 'made on the other server'",
    ),
  ).toHaveLength(1);
  expect(it.chosen).toEqual(["postgres", "local"]);
});

test("a target with tables of somebody else's is refused and not touched", async () => {
  await using it = await opened();
  await rowsOf(it.other.url, "create table precious (n int)");
  expect(await it.storage.switchTo("postgres")).toMatchObject({
    kind: "refused",
    status: 409,
    reason: "not-empty",
  });
  expect(
    await rowsOf(
      it.other.url,
      "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
    ),
  ).toEqual([{ relname: "precious" }]);
  expect(it.storage.mode).toBe("local");
  await addDomain(it.storage, "writes go on");
});

test("a target with another installation's rows is refused", async () => {
  await using it = await opened();
  await migrate({ url: it.other.url, directory: MIGRATIONS });
  await rowsOf(
    it.other.url,
    `insert into domains (document) values ('{"name":"a","owner_team":"t"}')`,
  );
  expect(await it.storage.switchTo("postgres")).toMatchObject({
    kind: "refused",
    reason: "not-empty",
  });
});

test("a later state of this system is not overwritten by an earlier one", async () => {
  await using it = await opened();
  await it.storage.switchTo("postgres");
  await using behind = await openStorage({
    mode: "local",
    url: it.local.url,
    find: async () => it.other.url,
    open: openPlain,
    migrations: MIGRATIONS,
    remember: () => undefined,
    forgetCached: async () => undefined,
  });
  const outcome = await behind.switchTo("postgres");
  expect(outcome).toMatchObject({ kind: "refused", status: 409, reason: "not-empty" });
  expect(JSON.stringify(outcome)).toContain("later state");
}, 20_000);

test("an unreachable target is refused with the reason and without its password", async () => {
  await using it = await opened(async () => "postgres://me:hunter2@127.0.0.1:1/none");
  const outcome = await it.storage.switchTo("postgres");
  expect(outcome).toMatchObject({ kind: "refused", status: 503, reason: "unreachable" });
  expect(JSON.stringify(outcome)).toContain("ECONNREFUSED");
  expect(JSON.stringify(outcome)).not.toContain("hunter2");
});

test("a switch is refused while another process is attached to either side", async () => {
  await using it = await opened();
  const parts = {
    mode: "local",
    find: async () => undefined,
    open: openPlain,
    migrations: MIGRATIONS,
    remember: () => undefined,
    forgetCached: async () => undefined,
  } as const;
  {
    await using _second = await openStorage({ ...parts, url: it.local.url });
    expect(await it.storage.switchTo("postgres")).toMatchObject({
      status: 409,
      reason: "attached",
    });
  }
  await migrate({ url: it.other.url, directory: MIGRATIONS });
  {
    await using _third = await openStorage({ ...parts, url: it.other.url });
    expect(await it.storage.switchTo("postgres")).toMatchObject({
      status: 409,
      reason: "attached",
    });
  }
  expect(await it.storage.switchTo("postgres")).toMatchObject({ kind: "switched" });
});

test("without a second server there is nowhere to switch to", async () => {
  await using it = await opened(async () => undefined);
  expect(await it.storage.switchTo("postgres")).toMatchObject({ status: 422, reason: "no-target" });
  expect(await it.storage.switchTo("local")).toEqual({ kind: "unchanged", mode: "local" });
});
