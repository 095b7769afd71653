/**
 * The same handlers in five libraries, each cached by one line. A separate process that nobody
 * watches changes the database in every way of the list: the next GETs are fresh within the bound,
 * and what does not depend on it stays cached.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express from "express";
import { hasten } from "hasten/express";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { type Library, libraries, SCHEMA } from "./libraries.ts";
import { startStranger } from "./stranger.ts";

/** Foreign writes: "within maxLag (default 2 s, normally milliseconds)". */
const MAX_LAG_MS = 2_000;

const MORE_SCHEMA = `
  create table shelves (name text primary key, note text);
  insert into shelves select 'shelf-' || i, 'note ' || i from generate_series(0, 9) i;
  alter table items add foreign key (shelf) references shelves on delete cascade on update cascade;
  create table totals (id int primary key, changes int);
  insert into totals values (1, 0);
  create function count_change() returns trigger language plpgsql as
    $$ begin update totals set changes = changes + 1 where id = 1; return null; end $$;
  create trigger counted after update of note on shelves for each row execute function count_change();
  create table events (id int, day int, what text, primary key (id, day)) partition by list (day);
  create table events_1 partition of events for values in (1);
  create table events_2 partition of events for values in (2);
  create table events_3 (id int, day int, what text, primary key (id, day));
  insert into events values (1, 1, 'a'), (2, 2, 'b');
  insert into events_3 values (3, 3, 'c');
  create view shown as select id, label from items where id <= 3;
  create function priced(int) returns int immutable language sql as 'select $1 * 2';
  create table prices (id int primary key, price numeric(10, 2));
  insert into prices values (1, 1.25);
  create table calm (id int primary key, name text);
  insert into calm values (1, 'calm')`;

const TEXTS: Readonly<Record<string, string>> = {
  joined: "select i.id, s.note from items i join shelves s on s.name = i.shelf where i.id = 5",
  counted: "select shelf, count(*)::int as n from items group by shelf order by shelf",
  totals: "select changes from totals where id = 1",
  events: "select id, what from events order by id",
  leaf: "select id, what from events_2 order by id",
  shown: "select id, label from shown order by id",
  function: "select priced(length(name)) as twice from shelves where name = 'shelf-1'",
  prices: "select price::text as price from prices",
  calm: "select name from calm",
};

/** What is done, and the route that must tell. */
const CHANGES: readonly (readonly [name: string, text: string, route: string, shows: string])[] = [
  ["updates a row", "update items set label = 'new 7' where id = 7", "/items/7", "new 7"],
  [
    "inserts one that was absent",
    "insert into items values (900, 'shelf-1', 'nine')",
    "/items/900",
    "nine",
  ],
  [
    "inserts one that belongs on the list",
    "insert into items values (901, 'shelf-2', 'joins')",
    "/shelves/shelf-2",
    "joins",
  ],
  [
    "deletes one of an aggregate",
    "delete from items where id = 10",
    "/q/counted",
    '"shelf-0","n":39',
  ],
  [
    "moves one to another list",
    "update items set shelf = 'shelf-4' where id = 901",
    "/shelves/shelf-4",
    "joins",
  ],
  [
    "changes a joined table",
    "update shelves set note = 'joined note' where name = 'shelf-5'",
    "/q/joined",
    "joined note",
  ],
  [
    "fires a trigger that writes another table",
    "update shelves set note = 'x' where name = 'shelf-6'",
    "/q/totals",
    '"changes":2',
  ],
  [
    "cascades an update",
    "update shelves set name = 'renamed' where name = 'shelf-8'",
    "/q/counted",
    "renamed",
  ],
  ["cascades a delete", "delete from shelves where name = 'shelf-9'", "/shelves/shelf-9", "[]"],
  [
    "rolls back to a savepoint",
    "begin; savepoint a; delete from items; rollback to a; update items set label = 'kept' where id = 11; commit",
    "/items/11",
    "kept",
  ],
  ["changes a row in a partition", "update events set what = 'B' where id = 2", "/q/events", '"B"'],
  ["changes a leaf itself", "update events_2 set what = 'leaf' where id = 2", "/q/leaf", "leaf"],
  [
    "attaches a partition",
    "alter table events attach partition events_3 for values in (3)",
    "/q/events",
    '"c"',
  ],
  ["truncates a leaf", "truncate events_1", "/q/events", '[{"id":2'],
  ["detaches a partition", "alter table events detach partition events_2", "/q/events", '[{"id":3'],
  [
    "replaces a view",
    "create or replace view shown as select id, label from items where id <= 1",
    "/q/shown",
    '"label 1"}]',
  ],
  [
    "replaces a function",
    "create or replace function priced(int) returns int immutable language sql as 'select $1 * 30'",
    "/q/function",
    "210",
  ],
  [
    "rewrites a column",
    "alter table prices alter column price type numeric(12, 4) using price * 2",
    "/q/prices",
    "2.5000",
  ],
  [
    "renames tables into each other's place",
    "begin; alter table prices rename to old_prices; create table prices (id int primary key, price numeric); insert into prices values (1, 77); commit",
    "/q/prices",
    "77",
  ],
  ["truncates a table", "truncate items cascade", "/q/counted", "[]"],
];

interface Answer {
  readonly body: string;
  readonly status: string;
}

async function serve(library: Library, url: string) {
  const h = await hasten({ postgres: url, coherence: { autoSetup: true }, say: () => undefined });
  const items = library.open(url, { max: 4, watch: (target) => h.watch(target) });
  const app = express();
  app.use(h.requests());
  const line = (): express.RequestHandler => h.cached({ ttlMs: 600_000 });
  app.get("/items/:id", line(), async (req, res) => {
    res.json((await items.byId(Number(req.params["id"]))) ?? null);
  });
  app.get("/shelves/:shelf", line(), async (req, res) => {
    res.json(await items.onShelf(String(req.params["shelf"])));
  });
  app.get("/twice/:id", line(), async (req, res) => {
    res.json(await items.twice(Number(req.params["id"])));
  });
  app.get("/q/:name", line(), async (req, res) => {
    res.json(await items.rows(TEXTS[String(req.params["name"])]!));
  });
  app.post("/items/:id/:label", async (req, res) => {
    await items.relabel(Number(req.params["id"]), String(req.params["label"]));
    res.end();
  });
  const server = app.listen(0);
  await once(server, "listening");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Sequelize asks the catalog for its types when it first connects: once, before it serves.
  await items.byId(1);
  return {
    h,
    async get(path: string): Promise<Answer> {
      const response = await fetch(base + path);
      return { body: await response.text(), status: response.headers.get("cache-status") ?? "" };
    },
    async post(path: string): Promise<void> {
      await fetch(base + path, { method: "POST" });
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await items.close();
      await h.close();
    },
  };
}

type Served = Awaited<ReturnType<typeof serve>>;

/** Asks until the route is answered from the cache: it is then known to be tracked and hot. */
async function hot({ get }: Served, path: string): Promise<Answer> {
  let answer = await get(path);
  for (let times = 0; times < 50 && !answer.status.includes("hit"); times++) {
    if (answer.status.includes("untracked")) throw new Error(`${path}: ${answer.status}`);
    answer = await get(path);
  }
  expect(answer.status).toContain("hit");
  expect(answer.status).toContain("detail=stream");
  return answer;
}

/** Milliseconds until the route shows it. */
async function untilShown({ get }: Served, path: string, shows: string): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const { body } = await get(path);
    const elapsedMs = performance.now() - startedMs;
    if (body.includes(shows)) return elapsedMs;
    if (elapsedMs > MAX_LAG_MS) throw new Error(`${path} is stale: ${body.slice(0, 200)}`);
  }
}

describe.each(libraries)("$name", (library) => {
  it("is fresh after every kind of foreign change, and hot elsewhere", {
    timeout: 60_000,
  }, async () => {
    await using db = await freshDatabase();
    const setup = new pg.Client({ connectionString: db.url });
    await setup.connect();
    await setup.query(`${SCHEMA}; ${MORE_SCHEMA}`);
    await setup.end();
    await using app = await serve(library, db.url);
    await using stranger = await startStranger(db.url);
    expect(app.h.coherence?.promise).toBe("stream");
    for (const [name, text, route, shows] of CHANGES) {
      await hot(app, "/q/calm");
      await hot(app, route);
      expect((await app.get(route)).body, name).not.toContain(shows);
      await stranger.run(text);
      const elapsedMs = await untilShown(app, route, shows);
      expect(elapsedMs, name).toBeLessThan(MAX_LAG_MS);
      expect((await app.get("/q/calm")).status, name).toContain("hit");
    }
  });

  it("is fresh at once after its own writes", { timeout: 30_000 }, async () => {
    await using db = await freshDatabase();
    const setup = new pg.Client({ connectionString: db.url });
    await setup.connect();
    await setup.query(SCHEMA);
    await setup.end();
    await using app = await serve(library, db.url);
    for (let round = 0; round < 10; round++) {
      await hot(app, "/items/3");
      await hot(app, "/shelves/shelf-3");
      await hot(app, "/twice/3");
      await hot(app, "/items/4");
      await app.post(`/items/3/round-${round}`);
      for (const path of ["/items/3", "/shelves/shelf-3", "/twice/3"])
        expect((await app.get(path)).body).toContain(`round-${round}`);
      expect((await app.get("/items/4")).status).toContain("hit");
    }
  });
});
