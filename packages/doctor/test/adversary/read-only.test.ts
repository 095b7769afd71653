import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type PostgresServer, startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makePlace, type Place } from "./command.ts";

const PREFIX = "<%p|%a>";
const SETTINGS = {
  shared_preload_libraries: "pg_stat_statements",
  log_statement: "all",
  log_line_prefix: PREFIX,
  log_lock_waits: "on",
  deadlock_timeout: "50ms",
  // The log keeps lines apart by its prefix; a statement of several lines goes on without it.
  log_connections: "on",
};

const SCHEMA = `
  create extension pg_stat_statements;
  create table victim (n int);
  create table items (id int primary key, kind text not null, note text, at timestamptz);
  insert into items select i, 'k' || i % 40, repeat('n', 50), now() from generate_series(1, 20000) i;
  create function wrote() returns trigger language plpgsql as
    $$ begin insert into victim values (1); return new; end $$;
  create trigger t before insert or update or delete on items for each row execute function wrote();
  create function ddl() returns event_trigger language plpgsql as
    $$ begin insert into victim values (2); end $$;
  create function volatile_one() returns int language plpgsql as
    $$ begin insert into victim values (3); return 1; end $$;
  create function trap(int) returns int language plpgsql immutable as
    $$ begin raise warning 'trapped'; return 1; end $$;
  create view v as select id, trap(1) as one from items;
  create sequence s;
  create unlogged table u (n int);
  analyze;
  create event trigger e on ddl_command_end execute function ddl();
  select pg_stat_statements_reset();`;

const WORK = [
  "select id from items where kind = 'k3' and at < now()",
  "select * from items order by at desc limit 5",
  "select one from v where id = 4",
  "select nextval('s')",
  "update items set note = 'x' where kind = 'none'",
  "delete from items where kind = 'none'",
  "insert into u select id from items where kind = 'none'",
  "select id from items where trap(2) = id",
];

/** Roles by what they may. */
const ROLES = {
  owner: "",
  monitor: "in role pg_monitor",
  reader: "in role pg_monitor, pg_read_all_data",
  nothing: "",
};

let server: PostgresServer;
let place: Place;
let admin: pg.Client;
const log: string[] = [];

beforeAll(async () => {
  server = await startPostgres({
    flags: Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    onLog: (line) => log.push(line),
  });
  place = await makePlace();
  admin = new pg.Client({ connectionString: server.url });
  admin.on("error", () => undefined);
  await admin.connect();
  await admin.query(SCHEMA);
  for (const [name, rights] of Object.entries(ROLES))
    await admin.query(`create role ${name} login password 'p' ${rights}`);
  await admin.query("alter table items owner to owner; alter view v owner to owner");
  for (const text of WORK) for (let i = 0; i < 3; i++) await admin.query(text);
  await admin.query("delete from victim");
}, 120_000);

afterAll(async () => {
  await admin.end();
  await server.stop();
  await place[Symbol.asyncDispose]();
});

const as = (role: string): string => {
  const url = new URL(server.url);
  url.username = role;
  url.password = "p";
  return url.href;
};

interface Logged {
  readonly pid: string;
  readonly app: string;
  readonly text: string;
}

function logged(lines: readonly string[]): readonly Logged[] {
  const entries: { pid: string; app: string; text: string }[] = [];
  for (const line of lines) {
    const [, pid, app, text] = /^<(\d+)\|([^>]*)>(.*)$/.exec(line) ?? [];
    const last = entries.at(-1);
    if (pid !== undefined && app !== undefined && text !== undefined)
      entries.push({ pid, app, text });
    else if (last !== undefined) last.text += `\n${line}`;
  }
  return entries;
}

/** What the doctor sent, each statement of a text with several. */
const sentBy = (entries: readonly Logged[]): readonly string[] =>
  entries.flatMap(({ app, text }) => {
    const [, sent] = /^LOG: {2}(?:statement|execute [^:]*): ([\s\S]*)$/.exec(text) ?? [];
    return app === "hasten-doctor" && sent !== undefined ? [sent] : [];
  });

const ALLOWED =
  /^\(?(?:select|with|explain|set|reset|commit|show|begin|rollback|prepare|deallocate|savepoint)\b/i;
const FORBIDDEN =
  /pg_stat_statements_reset|pg_stat_reset|pg_(?:terminate|cancel)_backend|\bpg_read_file|\bset_config\b/i;

async function figures() {
  const { rows } = await admin.query(`select (select count(*)::int from victim) as victims,
    (select last_value::int from s) as sequence, (select count(*)::int from items) as items,
    (select stats_reset::text from pg_stat_statements_info) as reset,
    (select count(*)::int from pg_class) as relations, (select count(*)::int from pg_proc) as functions,
    pg_current_xact_id_if_assigned()::text as xid`);
  return rows[0];
}

test.each(["postgres", ...Object.keys(ROLES)])(
  "as %s, with every option: one session that only reads",
  { timeout: 300_000 },
  async (role) => {
    const url = role === "postgres" ? server.url : as(role);
    const before = await figures();
    const queries = join(place.folder, "q.sql");
    await writeFile(queries, `${WORK.join(";\n")};\nselect volatile_one();\nselect pg_sleep(9);\n`);
    const runs = [
      ["--sample", "1s", "--save", "s.json", "--html", "r.html", "--json", "r.json"],
      ["--since", "s.json", "--statement-timeout", "3s"],
      ["--queries", queries],
      ["--explain", WORK[0] ?? "", "--analyze"],
      ["--explain", "select volatile_one() from items", "--analyze"],
      ["--explain", "select id from items where id = $1"],
      ["--explain", WORK[4] ?? ""],
    ];
    // A superuser could do all of it.
    for (const args of role === "postgres" ? runs : runs.slice(3, 5).concat(runs.slice(0, 1))) {
      const from = log.length;
      const ended = await place.run(args, { url });
      if (!args.includes("--explain"))
        expect([args, ended.code, ended.err]).toMatchObject([args, 0, /Connecting/]);
      expect(ended.err + ended.out).not.toContain("unexpected error");
      const entries = logged(log.slice(from));
      const sent = sentBy(entries);
      expect(sent.length).toBeGreaterThan(5);
      for (const text of sent)
        for (const one of text.split(/;\s+(?=[a-z])/i)) expect(one.trim()).toMatch(ALLOWED);
      expect(sent.filter((it) => FORBIDDEN.test(it.replace(/'(?:[^']|'')*'/g, "''")))).toEqual([]);
      // What was executed is rolled back; what was only planned may end by COMMIT.
      if (args.includes("--analyze"))
        expect(sent.filter((it) => /\bcommit\b/i.test(it))).toEqual([]);
      const sessions = new Set(
        entries.filter(({ app }) => app === "hasten-doctor").map(({ pid }) => pid),
      );
      expect(sessions.size).toBe(1);
      const all = sent.join("\n");
      expect(all).toMatch(/set default_transaction_read_only = on/);
      expect(all).toMatch(/set statement_timeout = \d{4}/);
      expect(all).toMatch(/set lock_timeout = 200/);
      // Before that, nothing but who and what answers is asked.
      expect(sent.findIndex((it) => it.startsWith("set default_transaction"))).toBeLessThan(3);
      expect(log.slice(from).filter((it) => it.includes("trapped"))).toEqual([]);
    }
    expect(await figures()).toEqual(before);
    expect(await place.left()).toEqual([]);
  },
);

test("a locked table is told and keeps nobody waiting", { timeout: 300_000 }, async () => {
  const locker = new pg.Client({ connectionString: server.url });
  await locker.connect();
  await locker.query("begin; lock table items in access exclusive mode");
  const started = Date.now();
  const ended = await place.run(["--json"], { url: server.url });
  const tookMs = Date.now() - started;
  await locker.query("rollback");
  await locker.end();
  expect(ended.code).toBe(0);
  expect(tookMs).toBeLessThan(60_000);
  const report = JSON.parse(ended.out) as {
    coverage: { part: string; missing: string[] }[];
    notes: string[];
    indexes: { notes: string[] };
  };
  expect(report.notes.filter((it) => it.startsWith("Not looked at"))).toEqual([]);
  expect(JSON.stringify(report.coverage)).toContain("55P03");
  expect(report.indexes.notes.join()).toContain("Locked by another session");
  expect(report.indexes.notes.join()).toContain("public.items");
  expect(report.indexes.notes.join()).not.toContain("could not be made");
});

test("no lock that anybody would wait for, and no transaction for long", {
  timeout: 300_000,
}, async () => {
  const seen: string[] = [];
  let oldestMs = 0;
  let running = true;
  const watch = (async () => {
    while (running) {
      const { rows } = await admin.query<{ mode: string; age: number }>(
        `select l.mode, extract(epoch from clock_timestamp() - a.xact_start)::float8 * 1000 as age
          from pg_stat_activity a join pg_locks l on l.pid = a.pid
          where a.application_name = 'hasten-doctor' and l.locktype <> 'virtualxid'`,
      );
      for (const { mode, age } of rows) {
        seen.push(mode);
        oldestMs = Math.max(oldestMs, age ?? 0);
      }
    }
  })();
  const ended = await place.run(["--html", "r.html"], { url: server.url });
  running = false;
  await watch;
  expect(ended.code).toBe(0);
  // Planning an UPDATE takes its lock, which stops neither readers nor writers.
  const most = new Set(["AccessShareLock", "RowExclusiveLock"]);
  expect([...new Set(seen)].filter((mode) => !most.has(mode))).toEqual([]);
  expect(oldestMs).toBeLessThan(3_000);
});
