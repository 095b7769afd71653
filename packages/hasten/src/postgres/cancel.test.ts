import { spawn } from "node:child_process";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type Database, sql } from "./index.ts";

let target: TestDatabase;
let db: Database;
let watcher: Database;
beforeAll(async () => {
  target = await freshDatabase();
  db = createDatabase({ url: target.url, pool: { min: 0, max: 6 }, applicationName: "raced" });
  watcher = createDatabase({ url: target.url, pool: { min: 0, max: 1 } });
});
afterAll(async () => {
  await db?.drain();
  await watcher?.drain();
  await target?.drop();
});

const failure = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => expect.fail("it did not fail"),
    (error: Error) => error,
  );
const running = async (): Promise<number> =>
  (await watcher.queryOne<{ n: number }>(sql`
    select count(*)::int as n from pg_stat_activity
    where application_name = 'raced' and state = 'active'`))!.n;

test("a time-out is told at once, and the server stops working on the statement within a second", async () => {
  const startedMs = performance.now();
  const error = await failure(db.query(sql`select pg_sleep(${30})`, { timeoutMs: 100 }));
  expect(error.code).toBe("HST_PG_TIMEOUT");
  expect(performance.now() - startedMs).toBeLessThan(600);
  await expect.poll(running, { timeout: 1_000 }).toBe(0);
  await expect.poll(() => db.stats().pool.total).toBe(0);
});

test("an abort cancels on the server, and an aborted signal sends nothing", async () => {
  const stop = new AbortController();
  const error = failure(db.query(sql`select pg_sleep(${30})`, { signal: stop.signal }));
  await expect.poll(running).toBe(1);
  stop.abort();
  expect((await error).code).toBe("HST_PG_ABORTED");
  await expect.poll(running, { timeout: 1_000 }).toBe(0);
  const before = db.stats().count;
  await failure(db.query(sql`select 1`, { signal: AbortSignal.abort() }));
  expect(db.stats().count).toBe(before);
});

test("the server's own statement time-out is a time-out too, and the connection is kept", async () => {
  await using strict = createDatabase({
    url: target.url,
    pool: { min: 0 },
    statementTimeoutMs: 100,
  });
  expect((await failure(strict.query(sql`select pg_sleep(5)`))).code).toBe("HST_PG_TIMEOUT");
  expect(strict.stats().pool.total).toBe(1);
});

test("200 racing time-outs and aborts never hit another caller's statement", async () => {
  // Victims keep the remaining connections busy: any stray cancel would fail one of them with 57014.
  let stop = false;
  const victimErrors: unknown[] = [];
  let victims = 0;
  const victim = async (): Promise<void> => {
    while (!stop) {
      await db.query(sql`select pg_sleep(0.003)`).then(
        () => victims++,
        (error: unknown) => victimErrors.push(error),
      );
    }
  };
  const others = [victim(), victim(), victim()];
  const outcomes = new Map<string, number>();
  const cancelled = (): number =>
    (outcomes.get("HST_PG_TIMEOUT") ?? 0) + (outcomes.get("HST_PG_ABORTED") ?? 0);
  for (let round = 0; cancelled() < 200; round++) {
    await Promise.all(
      Array.from({ length: 5 }, async (_, n) => {
        // Around the statement's own duration, so that cancels race with its end.
        const limitMs = 2 + ((round + n) % 7);
        const limit =
          n % 2 === 0 ? { timeoutMs: limitMs } : { signal: AbortSignal.timeout(limitMs) };
        const code = await db.query(sql`select pg_sleep(0.004)`, limit).then(
          () => "done",
          (error: { code: string }) => error.code,
        );
        outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
      }),
    );
  }
  stop = true;
  await Promise.all(others);
  expect(victimErrors).toEqual([]);
  expect(victims).toBeGreaterThan(20);
  const kinds = ["HST_PG_ABORTED", "HST_PG_ACQUIRE_TIMEOUT", "HST_PG_TIMEOUT", "done"];
  expect([...outcomes.keys()].filter((kind) => !kinds.includes(kind))).toEqual([]);
  await expect.poll(() => db.stats().pool.active).toBe(0);
  await expect.poll(running).toBe(0);
}, 60_000);

test("aborting leaves no listener on the signal", async () => {
  const stop = new AbortController();
  let listeners = 0;
  const { signal } = stop;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  Object.assign(signal, {
    addEventListener: (...given: Parameters<typeof add>) => {
      listeners++;
      add(...given);
    },
    removeEventListener: (...given: Parameters<typeof remove>) => {
      listeners--;
      remove(...given);
    },
  });
  for (let n = 0; n < 3; n++) await db.query(sql`select 1`, { signal });
  await db.transaction((tx) => tx.query(sql`select 1`, { signal }), { signal });
  await failure(db.query(sql`select 1/0`, { signal }));
  expect(listeners).toBe(0);
});

test("a process that forgets to drain, after queries and time-outs, ends by itself", async () => {
  const script = `
    import { createDatabase, sql } from "hasten/postgres";
    const db = createDatabase({ url: ${JSON.stringify(target.url)}, pool: { min: 3 } });
    await db.query(sql\`select 1\`);
    await db.query(sql\`select pg_sleep(20)\`, { timeoutMs: 50 }).catch(() => undefined);
    process.stdout.write("ended");`;
  const child = spawn(
    process.execPath,
    ["--conditions=hasten-source", "--input-type=module", "-e", script],
    { stdio: ["ignore", "pipe", "inherit"], cwd: import.meta.dirname },
  );
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  const startedMs = performance.now();
  const exit = await new Promise((resolve) => child.once("exit", resolve));
  expect([exit, out]).toEqual([0, "ended"]);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});
