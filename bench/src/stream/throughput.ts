/** How many changes a subscriber follows without falling behind, and what it costs the server. */
import { setTimeout as delay } from "node:timers/promises";
import type { PostgresServer } from "hasten-tools/postgres";
import type pg from "pg";
import { type Child, start } from "./children.ts";
import { nowMs } from "./clock.ts";
import { LOAD_ROWS } from "./database.ts";
import { armed, dropped, isGrowing, type LagSample, measureLag, percentile } from "./lag.ts";
import type { Loaded, LoaderSettings } from "./loader.ts";
import { serverCpuMs, usedMs } from "./processes.ts";
import type { FromSubscriber } from "./subscriber.ts";

export type LoadPlan = Omit<LoaderSettings, "url" | "rows">;

export interface Followed {
  readonly changesPerSecond: number;
  readonly commitsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly growing: boolean;
}

/** Shares of what the server takes; the first that is followed without growing lag counts. */
const SHARES = [1, 0.8, 0.6, 0.4, 0.2];
const SAMPLES_MAX = 100_000;

export interface Stage {
  readonly server: PostgresServer;
  readonly writer: pg.Client;
  readonly subscriber: Child;
}

/** The load as fast as the server takes it, slowed down until the subscriber follows. */
export async function sustained(stage: Stage, plan: LoadPlan): Promise<Followed> {
  let fastest: number | undefined;
  let last: Followed | undefined;
  for (const share of SHARES) {
    const transactionsPerSecond = fastest === undefined ? undefined : fastest * share;
    last = await followed(stage, { ...plan, transactionsPerSecond });
    fastest ??= last.commitsPerSecond;
    if (!last.growing) return last;
  }
  return last!;
}

export async function followed(stage: Stage, plan: LoadPlan): Promise<Followed> {
  await using loader = start("loader.ts", { ...plan, url: stage.server.url, rows: LOAD_ROWS });
  const loading = loader.next<Loaded>();
  await delay(500);
  const samples: LagSample[] = await measureLag(stage.subscriber, stage.writer, {
    samplesMax: SAMPLES_MAX,
    millisecondsMax: plan.seconds * 1_000 - 1_000,
    pauseMaxMs: 20,
  });
  const { changes, commits, seconds } = await loading;
  const lags = samples.map((one) => one.lagMs);
  return {
    changesPerSecond: changes / seconds,
    commitsPerSecond: commits / seconds,
    p50Ms: percentile(lags, 0.5),
    p99Ms: percentile(lags, 0.99),
    growing: isGrowing(samples),
  };
}

export interface BigUpdate {
  /** From its acknowledgement to the drop of what depends on it. */
  readonly lagMs: number;
  readonly seconds: number;
  /** Of one-row commits beside it. */
  readonly besideWorstMs: number;
  readonly besideP50Ms: number;
}

/** One statement that changes every row of a large table, with one-row commits beside it. */
export async function bigUpdate(stage: Stage, big: pg.Client): Promise<BigUpdate> {
  await using second = start("subscriber.ts", { url: stage.server.url });
  await second.next<FromSubscriber>();
  await armed(second, { table: "big", id: 1 });
  const startedMs = nowMs();
  const update = big.query("update big set n = n + 1").then(() => nowMs());
  const beside: number[] = [];
  let acknowledgedMs: number | undefined;
  void update.then((atMs) => {
    acknowledgedMs = atMs;
  });
  const drop = dropped(second);
  // A little beyond the commit, when the whole transaction has to be applied.
  while (acknowledgedMs === undefined || nowMs() < acknowledgedMs + 500) {
    const [sample] = await measureLag(stage.subscriber, stage.writer, {
      samplesMax: 1,
      millisecondsMax: 10_000,
      pauseMaxMs: 10,
    });
    if (sample !== undefined) beside.push(sample.lagMs);
  }
  return {
    lagMs: Math.max(0, (await drop) - acknowledgedMs),
    seconds: (acknowledgedMs - startedMs) / 1_000,
    besideWorstMs: Math.max(...beside),
    besideP50Ms: percentile(beside, 0.5),
  };
}

/** CPU of the server in percent of a core, under a fixed load, with so many processes subscribed. */
export async function serverCpuPercent(
  server: PostgresServer,
  subscribers: number,
  plan: LoadPlan,
): Promise<number> {
  await using stack = new AsyncDisposableStack();
  for (let at = 0; at < subscribers; at++) {
    const subscriber = stack.use(start("subscriber.ts", { url: server.url }));
    await subscriber.next<FromSubscriber>();
  }
  await using loader = start("loader.ts", { ...plan, url: server.url, rows: LOAD_ROWS });
  const loading = loader.next<Loaded>();
  await delay(1_000);
  const before = serverCpuMs(server.pid);
  const startedMs = nowMs();
  await delay((plan.seconds - 2) * 1_000);
  const percent = (100 * usedMs(before, serverCpuMs(server.pid))) / (nowMs() - startedMs);
  await loading;
  return percent;
}
