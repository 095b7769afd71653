import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { fileURLToPath } from "node:url";
import { faultyProxy } from "hasten/testing";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

let database: TestDatabase;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  database = await freshDatabase();
  await exec(
    "create table orders (id int primary key, note text)",
    "insert into orders values (1, 'first')",
    "create table bare (line text)",
  );
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
  await slotsGone();
});
afterAll(() => database.drop());

async function exec(...statements: readonly string[]): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    let result: pg.QueryResult | undefined;
    for (const statement of statements) result = await client.query(statement);
    return result!;
  } finally {
    await client.end();
  }
}

/** What was killed is noticed by the server a moment later. */
async function slotsGone(): Promise<void> {
  const slots = () =>
    exec(`select pg_terminate_backend(active_pid) from pg_replication_slots
      where database = '${database.name}' and active_pid is not null`);
  await until(slots, ({ rows }) => rows.length === 0);
}

interface Shop {
  readonly child: ChildProcess;
  readonly url: string;
  readonly said: () => string;
  readonly ended: Promise<readonly [number | null, NodeJS.Signals | null]>;
}

async function shop(env: Record<string, string> = {}): Promise<Shop> {
  const child = fork(fileURLToPath(new URL("shop.ts", import.meta.url)), {
    execArgv: ["--conditions=hasten-source"],
    env: { ...process.env, DATABASE_URL: database.url, ...env },
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  });
  children.add(child);
  let text = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const ended = once(child, "exit") as unknown as Shop["ended"];
  const [address] = (await Promise.race([
    once(child, "message"),
    ended.then(() => Promise.reject(new Error(`it ended: ${text}`))),
  ])) as [{ port: number }];
  return { child, url: `http://127.0.0.1:${address.port}`, said: () => text, ended };
}

async function until<T>(ask: () => Promise<T>, wanted: (value: T) => boolean): Promise<T> {
  for (const endMs = performance.now() + 10_000; ; ) {
    const value = await ask();
    if (wanted(value)) return value;
    if (performance.now() > endMs) throw new Error(`not reached: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("SIGTERM: what runs is answered on its keep-alive connection, new ones are refused, nothing is left", async () => {
  const { child, url, ended } = await shop();
  const agent = new Agent({ keepAlive: true });
  const answer = new Promise<string>((resolve, reject) => {
    get(`${url}/slow`, { agent }, (res) => {
      let body = "";
      res.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      res.on("end", () => resolve(body));
    }).on("error", reject);
  });
  await once(child, "message");
  child.kill("SIGTERM");
  const beganMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 100));
  await expect(fetch(`${url}/status`)).rejects.toThrow();
  expect(await answer).toBe('[{"one":1}]');
  expect(await ended).toEqual([0, null]);
  expect(performance.now() - beganMs).toBeLessThan(3_000);
  agent.destroy();
  const left = await exec(
    `select application_name from pg_stat_activity where datname = '${database.name}' and pid <> pg_backend_pid()`,
  );
  expect(left.rows).toEqual([]);
});

test("close() leaves nothing that keeps the process alive", async () => {
  const { child, url, ended } = await shop({ SIGNALS: "false" });
  await fetch(`${url}/orders`);
  child.send("close");
  expect(await ended).toEqual([0, null]);
});

test("a request that does not end is cut after drainMs", async () => {
  const { child, url, ended } = await shop({ DRAIN_MS: "50" });
  const answer = fetch(`${url}/slow`).then(
    () => "answered",
    () => "cut",
  );
  await once(child, "message");
  child.kill("SIGINT");
  expect(await answer).toBe("cut");
  expect(await ended).toEqual([0, null]);
});

test("errors become problem details that tell nothing", async () => {
  const { url } = await shop();
  const res = await fetch(`${url}/fails`);
  expect([res.status, res.headers.get("content-type")]).toEqual([500, "application/problem+json"]);
  expect(await res.text()).not.toContain("secret");
});

test("a database that is down: it starts, says so, answers 503, and recovers", async () => {
  const gone = new URL(database.url);
  gone.port = "1";
  const { url, said } = await shop({ DATABASE_URL: gone.href, START_MS: "200" });
  expect(said()).toContain("nothing is promised until it is");
  expect(said()).not.toContain(gone.password);
  const res = await fetch(`${url}/orders`);
  expect([res.status, res.headers.get("retry-after")]).toEqual([503, "1"]);
  const status = (await (await fetch(`${url}/status`)).json()) as { coherence: { state: string } };
  expect(status.coherence.state).toBe("connecting");
});

test("a source that is lost is told once, and that it is back", async () => {
  const real = new URL(database.url);
  await using proxy = await faultyProxy({ port: Number(real.port) });
  const through = new URL(real);
  through.port = String(proxy.port);
  const { said } = await shop({ DATABASE_URL: through.href });
  proxy.mode("refuse");
  proxy.cutAll();
  await until(
    async () => said(),
    (text) => text.includes("no cached answer counts as fresh"),
  );
  proxy.mode("pass");
  await until(
    async () => said(),
    (text) => text.split("hasten: stream: ").length === 3,
  );
  expect(said().trim().split("\n")).toHaveLength(3);
  expect(said()).not.toContain(real.password);
});

test("says in one line what it promises, and what is untracked", async () => {
  const { said } = await shop();
  await until(
    async () => said(),
    (text) => text.includes("\n"),
  );
  expect(said().trim().split("\n")).toHaveLength(1);
  expect(said()).toMatch(/^hasten: stream: .* within 500 ms\. Untracked: .*public\.bare/);
});

test("a cached route follows its rows, whoever changes them; what was not changed stays", async () => {
  const { url, said } = await shop();
  const get = async (): Promise<{ runs: number; note: string; status: string }> => {
    const res = await fetch(`${url}/orders`);
    const { runs, rows } = (await res.json()) as { runs: number; rows: { note: string }[] };
    return { runs, note: rows[0]!.note, status: res.headers.get("cache-status") ?? "" };
  };
  await get();
  const hit = await get();
  expect(hit).toMatchObject({ runs: 1 });
  expect(hit.status).toMatch(/hit.*detail=stream/);
  for (let round = 1; round <= 5; round++) {
    await exec(`update orders set note = 'round ${round}' where id = 1`);
    const beganMs = performance.now();
    await until(get, ({ note }) => note === `round ${round}`).catch((error) => {
      throw new Error(`${error}: ${said()}`);
    });
    expect(performance.now() - beganMs).toBeLessThan(500);
    await exec("insert into bare values ('apart')");
    const { runs } = await get();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await get()).runs).toBe(runs);
  }
});
