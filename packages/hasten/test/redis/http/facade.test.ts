// hasten({ postgres, redis }): two processes of a shop.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

let database: TestDatabase;
let redis: RedisServer;
let client: pg.Client;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), startRedis()]);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query("create table orders (id int primary key, note text)");
  await client.query("insert into orders values (1, 'first')");
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
});
afterAll(async () => {
  await client.end();
  await redis.stop();
  const none = async (): Promise<number> => {
    const slots =
      "select 1 from pg_replication_slots where active and database = current_database()";
    const admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    const { rowCount } = await admin.query(slots);
    await admin.end();
    return rowCount ?? 0;
  };
  while ((await none()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await database.drop();
});

interface Shop {
  readonly child: ChildProcess;
  readonly url: string;
  readonly said: () => string;
}

async function shop(env: Record<string, string> = {}): Promise<Shop> {
  const child = fork(fileURLToPath(new URL("../../facade/shop.ts", import.meta.url)), {
    execArgv: ["--conditions=hasten-source"],
    env: { ...process.env, DATABASE_URL: database.url, REDIS_URL: redis.url, ...env },
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  });
  children.add(child);
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const [address] = (await once(child, "message")) as [{ port: number }];
  return { child, url: `http://127.0.0.1:${address.port}`, said: () => text };
}

interface Orders {
  readonly cache: string | null;
  readonly body: { readonly runs: number; readonly rows: readonly { readonly note: string }[] };
}

async function orders({ url }: Shop): Promise<Orders> {
  const answer = await fetch(`${url}/orders`);
  return { cache: answer.headers.get("x-cache"), body: (await answer.json()) as Orders["body"] };
}
const noteOf = async (it: Shop): Promise<string> => (await orders(it)).body.rows[0]!.note;

interface Status {
  readonly redis?: { readonly state: string };
  readonly coherence: { readonly promise: string; readonly state: string };
}
const status = async ({ url }: Shop): Promise<Status> =>
  (await (await fetch(`${url}/status`)).json()) as Status;

test("two processes share answers, follow foreign writes, and say so", {
  timeout: 30_000,
}, async () => {
  const [a, b] = [await shop(), await shop()];
  for (const it of [a, b]) {
    expect(it.said()).toMatch(/^hasten: stream: .* Redis: shared by the processes/m);
    expect((await status(it)).redis?.state).toBe("ready");
    expect((await status(it)).coherence.promise).toBe("stream");
  }
  expect((await orders(a)).cache).toBe("MISS");
  await expect.poll(async () => (await orders(b)).cache).toBe("HIT");
  expect((await orders(b)).body.runs).toBe(1);
  // Asking Redis is no read of any answer.
  for (const it of [a, b]) {
    const answer = await fetch(`${it.url}/orders`);
    expect(answer.headers.get("cache-status")).not.toContain("untracked");
    await answer.body?.cancel();
  }
  await client.query("update orders set note = 'second'");
  for (const it of [a, b])
    await expect.poll(() => noteOf(it), { timeout: 2_000, interval: 20 }).toBe("second");
  // Who ends hands over: the other goes on following.
  const ended = once(a.child, "exit");
  a.child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  await client.query("update orders set note = 'third'");
  await expect.poll(() => noteOf(b), { timeout: 5_000, interval: 20 }).toBe("third");
  expect(["HIT", "MISS"]).toContain((await orders(b)).cache);
  b.child.send("close");
  await once(b.child, "exit");
});

test("without Redis behind its URL it starts, says so, and answers", {
  timeout: 30_000,
}, async () => {
  const it = await shop({ REDIS_URL: "redis://127.0.0.1:1" });
  expect(it.said()).toMatch(/Redis: (not reached yet|lost); this process caches alone/);
  expect((await orders(it)).body.rows).toHaveLength(1);
  it.child.send("close");
  expect(await once(it.child, "exit")).toEqual([0, null]);
});

test("an empty REDIS_URL means none", { timeout: 30_000 }, async () => {
  const it = await shop({ REDIS_URL: "" });
  expect((await status(it)).redis).toBeUndefined();
  expect(it.said()).not.toContain("Redis");
  it.child.send("close");
  expect(await once(it.child, "exit")).toEqual([0, null]);
});
