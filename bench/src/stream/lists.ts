/** A list under writes: requests per second and the slow ones, with and without the cache. */
import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type pg from "pg";
import { start } from "./children.ts";
import type { FromListsApp, ListsAppStats } from "./lists-app.ts";

export interface ListsSample {
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  /** Share of the requests that were answered from the cache. */
  readonly hitShare: number;
  readonly writesPerSecond: number;
}

const CATEGORIES = 200;
const ITEMS = 100_000;
const WRITES_PER_SECOND = 100;
const CONNECTIONS = 32;
const run = promisify(execFile);

export async function prepareLists(client: pg.Client): Promise<void> {
  await client.query(
    `insert into categories select id, 'category ' || id from generate_series(1, ${CATEGORIES}) id`,
  );
  await client.query(
    `insert into items select id, 1 + id % ${CATEGORIES}, id % 1000, 'item ' || id
     from generate_series(1, ${ITEMS}) id`,
  );
  await client.query("vacuum analyze items");
}

/**
 * Whether the server tells the old values of changed rows: then a list by category is dropped by
 * its own rows only, else by any change of the table.
 */
export async function tellOldValues(client: pg.Client, told: boolean): Promise<void> {
  await client.query(`alter table items replica identity ${told ? "full" : "default"}`);
}

/** One fresh application, asked for lists at random while rows of them change. */
export async function measureLists(
  url: string,
  writer: pg.Client,
  { cached, seconds }: { readonly cached: boolean; readonly seconds: number },
): Promise<ListsSample> {
  using stack = new DisposableStack();
  await using app = start("lists-app.ts", { url, cached });
  const { port } = await app.next<FromListsApp>();
  const script = join(tmpdir(), `hasten-bench-lists-${process.pid}.lua`);
  writeFileSync(
    script,
    `request = function() return wrk.format("GET", "/lists/" .. math.random(1, ${CATEGORIES})) end\n`,
  );
  stack.defer(() => rmSync(script, { force: true }));
  await load(port, 2, script);
  const before = await statsOf(app);
  const writing = writes(writer, seconds);
  const { requestsPerSecond, p99Ms } = await load(port, seconds, script);
  const writesPerSecond = (await writing) / seconds;
  const after = await statsOf(app);
  const hits = after.hits - before.hits;
  const misses = after.misses - before.misses;
  const hitShare = hits + misses === 0 ? 0 : hits / (hits + misses);
  return { requestsPerSecond, p99Ms, hitShare, writesPerSecond };

  async function statsOf(child: typeof app): Promise<ListsAppStats> {
    child.tell({ ask: "stats" });
    return child.next<ListsAppStats>();
  }
}

async function writes(writer: pg.Client, seconds: number): Promise<number> {
  const startedMs = performance.now();
  let done = 0;
  for (; performance.now() - startedMs < seconds * 1_000; done++) {
    await writer.query("update items set price = price + 1 where id = $1", [
      1 + Math.floor(Math.random() * ITEMS),
    ]);
    const dueMs = startedMs + ((done + 1) * 1_000) / WRITES_PER_SECOND - performance.now();
    if (dueMs > 1) await delay(dueMs);
  }
  return done;
}

async function load(
  port: number,
  seconds: number,
  script: string,
): Promise<{ requestsPerSecond: number; p99Ms: number }> {
  const { stdout } = await run("wrk", [
    ...["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--latency", "-s", script],
    `http://127.0.0.1:${port}`,
  ]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`errors under load:\n${stdout}`);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1];
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout);
  const unit = { us: 0.001, ms: 1, s: 1_000 }[p99?.[2] ?? ""] ?? Number.NaN;
  return { requestsPerSecond: Number(rate), p99Ms: Number(p99?.[1]) * unit };
}
