import { startPgBouncer } from "hasten-tools/pgbouncer";
import { freshDatabase } from "hasten-tools/vitest";
import { expect, test } from "vitest";
import { explainQuery } from "../../src/guard/explain.ts";
import { connectionFrom } from "../../src/target/connection.ts";
import { openTarget } from "../../src/target/open.ts";
import { connected, FINGERPRINT, SCENE } from "./scene.ts";

async function scene(...more: string[]) {
  const db = await freshDatabase();
  const admin = await connected(db.url);
  await admin.query(SCENE);
  for (const statement of more) await admin.query(statement.replaceAll("DB", db.name));
  const last = async () => (await admin.query("select last_value from counter")).rows[0].last_value;
  return {
    url: db.url,
    name: db.name,
    admin,
    last,
    mark: async () => JSON.stringify((await admin.query(FINGERPRINT)).rows),
    async [Symbol.asyncDispose]() {
      await admin.end();
      await db.drop();
    },
  };
}

const open = (url: string) => openTarget(connectionFrom(url, {}));

test("the fingerprint of these tests notices what the guard prevents", async () => {
  await using at = await scene();
  const marks = [await at.mark()];
  for (const text of [
    "select nextval('counter')",
    "select pg_advisory_lock(1)",
    "select lo_create(0)",
    "select evil_immutable(1)",
    "with x as (update secrets set name = name where id = 1 returning 1) select * from x",
    "select id from secrets where id = 2 for update",
  ]) {
    await at.admin.query(`explain analyze ${text}`);
    const mark = await at.mark();
    expect(marks, text).not.toContain(mark);
    marks.push(mark);
  }
});

test("a schema in front of pg_catalog's functions is seen, and does not serve the doctor", async () => {
  await using at = await scene("alter database DB set search_path = shadow, pg_catalog, public");
  const before = await at.last();
  await using target = await open(at.url);
  expect(await explainQuery(target, "select upper('x')", { analyze: true })).toEqual({
    kind: "refused",
    because: "it calls upper, which is not PostgreSQL's own",
  });
  expect(
    await explainQuery(target, "select pg_catalog.upper('x')", { analyze: true }),
  ).toMatchObject({ kind: "planned" });
  expect(await target.rows("select upper('x') as x")).toEqual([{ x: "X" }]);
  expect(await at.last()).toBe(before);
});

test("an operator in front of a built-in one is seen", async () => {
  await using at = await scene(
    "create operator shadow.= (leftarg = int, rightarg = int, function = evil_op)",
    "alter database DB set search_path = shadow, pg_catalog, public",
  );
  await using target = await open(at.url);
  for (const text of [
    "select id from secrets where id in (1, 2)",
    "select id from secrets where id = 1",
    "select case id when 1 then 2 end from secrets",
    "select * from orders join secrets using (id)",
  ])
    expect(await explainQuery(target, text, { analyze: true }), text).toMatchObject({
      because: "it calls =, which is not PostgreSQL's own",
    });
});

test("casts made in the database", async () => {
  await using at = await scene(
    `create function evil_cast(mood) returns int stable language plpgsql as
      $$ begin perform nextval('public.counter'); return 1; end $$`,
    "create cast (mood as int) with function evil_cast(mood)",
  );
  const because = "a cast of this database calls a function that its users made";
  const last = await at.last();
  await using target = await open(at.url);
  const of = (text: string) => explainQuery(target, text, { analyze: true });
  expect(await of("select v::int from parted")).toEqual({ kind: "refused", because });
  expect(await of("select v from parted")).toMatchObject({ kind: "planned" });
  await at.admin.query("drop cast (mood as int)");
  await at.admin.query("create cast (mood as int) with function evil_cast(mood) as implicit");
  expect(await of("select v + 1 from parted")).toEqual({ kind: "refused", because });
  expect(await at.last()).toBe(last);
});

test("literals are read by the standard on the server too", async () => {
  await using at = await scene("alter database DB set standard_conforming_strings = off");
  const last = await at.last();
  await using target = await open(at.url);
  const text = "select 'a\\' || ', nextval($$counter$$) --'";
  expect(await explainQuery(target, text, { analyze: true })).toMatchObject({ kind: "planned" });
  expect(await at.last()).toBe(last);
  // Without the guard's setting the same text is another statement.
  await at.admin.query("set standard_conforming_strings = off");
  await at.admin.query(`explain analyze ${text}`);
  expect(await at.last()).not.toBe(last);
});

test("planning alone takes writes and parameters, and as a superuser runs nobody's code", async () => {
  await using at = await scene();
  const role = `plan_${at.name}`;
  await at.admin.query(`create role ${role} login password 'p' in role pg_read_all_data`);
  await at.admin.query(`grant usage on sequence counter to ${role}`);
  const url = new URL(at.url);
  url.username = role;
  url.password = "p";
  const before = await at.mark();
  {
    await using target = await open(at.url);
    for (const text of [
      "select * from secrets where id = $1 and name = $2",
      "insert into effects values ($1)",
      "update secrets set name = 'x' where id = 1",
      "delete from orders where total > 3",
      "merge into effects e using secrets s on e.n = s.id when matched then delete",
      "select * from secrets for update",
      "select nextval('counter'), pg_sleep(60)",
      "select * from far",
    ])
      expect(await explainQuery(target, text), text).toMatchObject(
        text.includes("far")
          ? { because: expect.stringContaining("SQLSTATE") }
          : { kind: "planned" },
      );
    for (const text of [
      "select evil_immutable(1)",
      "select evil()",
      "select * from evil_index",
      "select * from evil_view",
      "insert into effects values (5::evil_domain)",
      "select 1; select 2",
      "vacuum",
      "select pg_input_is_valid('1', 'evil_domain')",
    ])
      expect(await explainQuery(target, text), text).toMatchObject({ kind: "refused" });
  }
  {
    await using target = await open(url.href);
    expect(await explainQuery(target, "select evil_stable($1)")).toMatchObject({ kind: "planned" });
    expect(await explainQuery(target, "select * from evil_view")).toMatchObject({
      kind: "planned",
    });
    // It runs while it is planned, with this role's rights, and may not write.
    expect(await explainQuery(target, "select evil_immutable(1)")).toMatchObject({
      because: "the server refused it (SQLSTATE 25006)",
    });
  }
  expect(await at.mark()).toBe(before);
  await at.admin.query(`drop owned by ${role}`);
  await at.admin.query(`drop role ${role}`);
});

test("behind a pooler the session that others share is left as it was", async () => {
  await using at = await scene();
  const bouncer = await startPgBouncer({ to: at.url, poolSize: 1 });
  try {
    const other = await connected(bouncer.url);
    await other.query("set search_path = shadow, pg_catalog");
    await other.query("create temp table secrets as select 1 as id");
    await using target = await open(bouncer.url);
    const mark =
      "select (select count(*) from pg_prepared_statements), current_user, current_setting('search_path')";
    const before = JSON.stringify((await other.query(mark)).rows);
    // The other client's temporary table is no table of the doctor's.
    expect(await explainQuery(target, "select id from secrets", { analyze: true })).toEqual({
      kind: "refused",
      because: "it names a table that is not known: secrets",
    });
    expect(
      await explainQuery(target, "select nextval('public.counter')", { analyze: true }),
    ).toMatchObject({
      kind: "refused",
    });
    expect(await explainQuery(target, "select * from public.secrets where id = $1")).toMatchObject({
      kind: "planned",
    });
    expect(JSON.stringify((await other.query(mark)).rows)).toBe(before);
    await other.end();
  } finally {
    await bouncer.stop();
  }
});
