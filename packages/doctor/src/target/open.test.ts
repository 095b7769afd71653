import { once } from "node:events";
import { createServer } from "node:net";
import { startPgBouncer } from "hasten-tools/pgbouncer";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { DoctorError } from "../errors.ts";
import { connectionFrom } from "./connection.ts";
import { openTarget } from "./open.ts";

const failure = async (work: Promise<unknown>): Promise<DoctorError> => {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(DoctorError);
  return error as DoctorError;
};

async function admin(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

test("the session reads only, with time-outs, and sees built-in objects first", async () => {
  await using db = await freshDatabase();
  await admin(db.url, "create table t (n int)", "insert into t values (1)");
  await using target = await openTarget(connectionFrom(db.url, {}));
  expect(target.major).toBe(18);
  expect(target.database).toBe(db.name);
  expect(target.rights).toMatchObject({ superuser: true, statistics: true, data: true });
  expect(target.searchPath).toEqual(["public"]);
  expect(target.pooled).toBe(false);
  expect(
    await target.rows(
      `select current_setting('statement_timeout') s, current_setting('lock_timeout') l,
        current_setting('idle_in_transaction_session_timeout') i, current_setting('search_path') p,
        current_setting('application_name') a, current_setting('transaction_read_only') r`,
    ),
  ).toEqual([
    { s: "5s", l: "200ms", i: "10s", p: "pg_catalog, pg_temp", a: "hasten-doctor", r: "on" },
  ]);
  expect(await target.simple("select n from t")).toEqual([{ n: 1 }]);
  expect(await target.rows("select $1::int4 as n", [3])).toEqual([{ n: 3 }]);
  expect(await target.transaction((tx) => tx.rows("select n from t where n = $1", [1]))).toEqual([
    { n: 1 },
  ]);
  expect((await failure(target.simple("insert into t values (2)"))).sqlstate).toBe("25006");
  expect((await failure(target.rows("select 'canary'::int4"))).message).not.toContain("canary");
  // The path is the role's own again after an error and within a transaction that a caller begins.
  await target.simple("begin");
  expect(await target.rows("select n from t")).toEqual([{ n: 1 }]);
  await target.simple("rollback");
  expect(target.spent().statements).toBeGreaterThan(8);
});

test("a role's rights are those it has without SET ROLE", async () => {
  await using db = await freshDatabase();
  const role = `r_${db.name}`;
  await admin(db.url, `create role ${role} login password 'secret' in role pg_monitor`);
  try {
    const url = new URL(db.url);
    url.username = role;
    url.password = "secret";
    await using target = await openTarget(connectionFrom(url.href, {}));
    expect(target.rights).toEqual({ role, superuser: false, statistics: true, data: false });
  } finally {
    await admin(db.url, `drop role ${role}`);
  }
});

test("a session that ends midway says so, and does for every later call", async () => {
  await using db = await freshDatabase();
  await using target = await openTarget(connectionFrom(db.url, {}));
  const [{ pid }] = (await target.rows<{ pid: number }>("select pg_backend_pid() pid")) as [
    { pid: number },
  ];
  const going = failure(target.rows("select pg_sleep(4)"));
  await admin(db.url, `select pg_terminate_backend(${pid}, 5000)`);
  const first = await going;
  expect(first.code).toBe("HST_DOCTOR_TARGET");
  expect(first.message).toContain("gone");
  expect((await failure(target.rows("select 1"))).code).toBe("HST_DOCTOR_TARGET");
  expect((await failure(target.transaction((tx) => tx.rows("select 1")))).code).toBe(
    "HST_DOCTOR_TARGET",
  );
});

test("what cannot be reached is told in own words, without password", async () => {
  await using db = await freshDatabase();
  const of = async (change: (url: URL) => void): Promise<DoctorError> => {
    const url = new URL(db.url);
    url.password = "hunter2";
    change(url);
    const error = await failure(openTarget(connectionFrom(url.href, {})));
    expect(error.code).toBe("HST_DOCTOR_TARGET");
    expect(`${error.message} ${error.fix} ${error.stack}`).not.toContain("hunter2");
    return error;
  };
  expect((await of(() => undefined)).message).toContain("password");
  expect((await of((url) => void url.searchParams.set("port", "1"))).message).toContain(
    "Nothing listens",
  );
  expect(
    (await of((url) => void url.searchParams.set("host", "no-such-host.invalid"))).message,
  ).toMatch(/not known|cannot be used/);
  expect((await of((url) => url.searchParams.set("sslmode", "require"))).message).toContain(
    "encryption",
  );
  const none = await of((url) => {
    url.password = "";
  });
  expect(none.message).toContain("none was given");
  const real = new URL(db.url);
  real.pathname = "/no_such_database";
  const missing = await failure(openTarget(connectionFrom(real.href, {})));
  expect(missing.sqlstate).toBe("3D000");
});

test("a server that never answers is given up", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = silent.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const url = `postgres://u:p@127.0.0.1:${port}/d?connect_timeout=1&sslmode=disable`;
  expect((await failure(openTarget(connectionFrom(url, {})))).message).toContain("in time");
  const late = AbortSignal.timeout(50);
  expect((await failure(openTarget(connectionFrom(url, {}), { signal: late }))).message).toContain(
    "cancelled",
  );
  silent.close();
});

test("behind a pooler nothing is set for the session that others share", async () => {
  await using db = await freshDatabase();
  await admin(db.url, "create table t (n int)", "insert into t values (1)");
  const bouncer = await startPgBouncer({ to: db.url, poolSize: 1 });
  try {
    await using target = await openTarget(connectionFrom(bouncer.url, {}));
    expect(target.pooled).toBe(true);
    expect(target.notes.join(" ")).toContain("pooler");
    const [settings] = await target.rows(
      `select current_setting('transaction_read_only') r, current_setting('statement_timeout') s,
        current_setting('search_path') p`,
    );
    expect(settings).toEqual({ r: "on", s: "5s", p: "pg_catalog, pg_temp" });
    expect(await target.simple("select n from t")).toEqual([{ n: 1 }]);
    expect(await target.transaction((tx) => tx.rows("select n from t"))).toEqual([{ n: 1 }]);
    expect((await failure(target.simple("insert into t values (2)"))).sqlstate).toBe("25006");
    // The only server connection is another client's in between.
    await admin(bouncer.url, "insert into t values (3)");
    const other = new pg.Client({ connectionString: bouncer.url });
    await other.connect();
    const { rows } = await other.query("select current_setting('statement_timeout') s");
    await other.end();
    expect(rows).toEqual([{ s: "0" }]);
  } finally {
    await bouncer.stop();
  }
});
