// The whole way on a real database: pg.Pool, watch, statements, trace, response cache.

import { cached, type ResponseCache, requests } from "hasten/express";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { instant, Trust } from "../../src/core/trust.ts";
import type { ChangeSource } from "../../src/postgres/coherence/source.ts";
import {
  createStatements,
  type Statements,
} from "../../src/postgres/statements/create-statements.ts";
import { createWatch, type Watch } from "../../src/postgres/watch/watch.ts";
import { startApp, type TestApp } from "./app.ts";
import { shown } from "./tracked-app.ts";

const SCHEMA = `
  create table users (id int primary key, role text not null);
  create table orders (id int primary key, owner int not null, total int not null);
  insert into users values (1, 'viewer'), (2, 'admin');
  insert into orders values (1, 1, 10), (2, 1, 20), (3, 2, 30);
`;

let database: Awaited<ReturnType<typeof freshDatabase>>;
let catalog: pg.Client;
let pool: pg.Pool;
let watch: Watch;
let statements: Statements;
/** What own writes drop; there is no other source of changes here. */
let responses: ResponseCache | undefined;

beforeAll(async () => {
  database = await freshDatabase();
  catalog = new pg.Client({ connectionString: database.url });
  await catalog.connect();
  await catalog.query(SCHEMA);
  statements = createStatements({
    run: async (text, values) => (await catalog.query(text, [...(values ?? [])])).rows,
    database: database.name,
    coverage: { kind: "any" },
  });
  const trust = new Trust("own-writes", 10_000, systemClock);
  trust.confirm(instant(systemClock));
  const source: ChangeSource = {
    promise: "own-writes",
    trust,
    unmappedSeq: 0,
    position: "0/0",
    settle: async ({ tags }) => {
      responses?.cache.dropLocal(tags, "an own write");
      return "applied";
    },
    close: async () => undefined,
  };
  watch = createWatch({ analyzer: () => statements.analyzer, source: () => source });
  pool = watch.watch(new pg.Pool({ connectionString: database.url, max: 3 }));
});

afterAll(async () => {
  await pool.end();
  watch.close();
  await catalog.end();
  await database.drop();
});

async function start(): Promise<TestApp> {
  const handle = requests({ compression: false });
  const app = await startApp(
    (express, cache) => {
      express.use(handle);
      express.use(async (req, _res, next) => {
        const { rows } = await pool.query("select role from users where id = $1", [
          Number(req.rawHeaders[req.rawHeaders.indexOf("x-user") + 1]),
        ]);
        Object.assign(req, { user: { id: rows[0].role } });
        next();
      });
      express.get("/orders", cached(cache, { scope: "user" }), async (_req, res) => {
        const { rows } = await pool.query("select id, total from orders order by id");
        res.json(rows.map((row) => row.total));
      });
      express.get("/orders/:id", cached(cache, { scope: "user" }), async (req, res) => {
        const { rows } = await pool.query("select total from orders where id = $1", [
          Number(req.params["id"]),
        ]);
        res.json(rows[0]?.total ?? null);
      });
      express.get("/clock", cached(cache, { scope: "user" }), async (_req, res) => {
        const { rows } = await pool.query("select count(*)::int, now() from orders");
        res.json(rows[0].count);
      });
    },
    { tracked: true },
  );
  responses = app.responses;
  return app;
}

const USER = { "x-user": "1" };

test("answers of a watched pool drop out with what their handler and their authentication read", async () => {
  await using it = await start();
  const paths = ["/orders", "/orders/1", "/orders/2"];
  for (const path of paths) await it.get(path, USER);
  for (const path of paths) {
    const hit = await it.get(path, USER);
    expect([path, hit.headers["x-cache"]]).toEqual([path, "HIT"]);
    expect(hit.headers["cache-status"]).toMatch(/detail=own-writes$/);
  }
  expect(it.notices).toEqual([]);
  await pool.query("update orders set total = 11 where id = 1");
  expect(shown(await it.get("/orders", USER))).toBe("MISS [11,20,30]");
  expect(shown(await it.get("/orders/1", USER))).toBe("MISS 11");
  await pool.query("update users set role = 'clerk' where id = 1");
  expect(shown(await it.get("/orders", USER))).toBe("MISS [11,20,30]");
});

test("what the time decides is untracked, by name", async () => {
  await using it = await start();
  await it.get("/clock", USER);
  const hit = await it.get("/clock", USER);
  expect(hit.headers["cache-status"]).toContain("detail=untracked");
  expect(it.notices.map(({ kind, route }) => [kind, route])).toEqual([["untracked", "GET /clock"]]);
  expect(it.notices[0]?.detail).toContain("now");
});

test("200 requests on three connections are each answered and tracked as themselves", async () => {
  await using it = await start();
  await pool.query("truncate orders");
  await pool.query("insert into orders select id, 1, id * 10 from generate_series(1, 200) id");
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, at) => it.get(`/orders/${at + 1}`, USER)),
  );
  expect(answers.map(({ text }) => text)).toEqual(
    Array.from({ length: 200 }, (_, at) => String((at + 1) * 10)),
  );
  expect(it.responses.stats()).toMatchObject({ stored: 200, untracked: 0 });
  expect(it.notices).toEqual([]);
});
