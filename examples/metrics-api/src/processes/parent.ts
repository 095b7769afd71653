/**
 * The process that owns the embedded server and the workers.
 *
 * Invariants: as many workers as asked for, a dead one replaced with growing delay and not for ever; the workers are
 * stopped before the server they use. It takes no part in coherence: each worker reads changes from the database.
 */
import cluster, { type Worker } from "node:cluster";
import type { CoherenceStatus } from "hasten/postgres";
import type { Config } from "../config/index.ts";
import { banner } from "../lifecycle/banner.ts";
import type { Log } from "../lifecycle/log.ts";
import { createPlaces } from "../lifecycle/places.ts";
import { assertPortFree, StartRefused } from "../lifecycle/port.ts";
import { prepare } from "../lifecycle/prepare.ts";
import { weakest } from "../lifecycle/promise.ts";
import { secretsOf } from "../lifecycle/secrets.ts";
import type { Shutdown } from "../lifecycle/shutdown.ts";
import type { ToParent, ToWorker } from "./messages.ts";
import { DEATHS_MAX, DEATHS_WINDOW_MS, restartAfter } from "./restart.ts";
import { WORKER_STOP_MS } from "./worker.ts";

const STOP_GRACE_MS = 200;

export async function runParent(config: Config, log: Log, shutdown: Shutdown): Promise<void> {
  const startedMs = performance.now();
  await assertPortFree(config);
  const places = createPlaces(config, log);
  shutdown.add(() => places.close());
  const { mode, url } = await prepare(places, { config, log, signal: shutdown.signal });
  const secrets = secretsOf(config);
  const workers = createWorkers({
    start: { kind: "start", mode, databaseUrl: url, secrets },
    count: config.processes,
    log,
  });
  shutdown.add(() => workers.stop());
  const { port, coherence } = await workers.ready;
  const tookMs = performance.now() - startedMs;
  log.info(await banner({ config, secrets, mode, port, tookMs, coherence }));
  void workers.failed.then(async (message) => {
    log.error(message);
    await shutdown.run();
    process.exit(1);
  });
}

interface Workers {
  /** Once every worker has answered for the first time. Rejects when one cannot start. */
  readonly ready: Promise<Ready>;
  /** Resolves when workers die faster than they may be replaced. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
}

interface Ready {
  /** Shared by all. */
  readonly port: number;
  /** The weakest promise of all. */
  readonly coherence: CoherenceStatus;
}

interface WorkersOptions {
  readonly start: Extract<ToWorker, { kind: "start" }>;
  readonly count: number;
  readonly log: Log;
}

function createWorkers({ start, count, log }: WorkersOptions): Workers {
  const ready = Promise.withResolvers<Ready>();
  const failed = Promise.withResolvers<string>();
  const deathsMs: number[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const promised: CoherenceStatus[] = [];
  let stopping = false;

  const fork = (): void => {
    const worker = cluster.fork();
    worker.send(start);
    worker.on("message", (message: ToParent) => onMessage(worker, message));
    worker.on("error", () => undefined);
    worker.on("exit", (code, signal) => onExit(worker, signal ?? `code ${code}`));
  };
  const onMessage = (from: Worker, message: ToParent): void => {
    switch (message.kind) {
      case "ready":
        promised.push(message.coherence);
        if (promised.length === count)
          ready.resolve({ port: message.port, coherence: weakest(promised) });
        else if (promised.length > count) log.info(`worker ${from.process.pid} has taken over`);
        return;
      case "failed":
        log.error(`worker ${from.process.pid}: ${message.message}`);
        ready.reject(new StartRefused(message.message));
        return;
      default:
        message satisfies never;
    }
  };
  const onExit = (worker: Worker, how: string): void => {
    if (stopping) return;
    const nowMs = performance.now();
    deathsMs.push(nowMs);
    if (deathsMs.length > DEATHS_MAX + 1) deathsMs.shift();
    const restart = restartAfter(deathsMs, nowMs);
    if (restart.kind === "give up") {
      failed.resolve(`${DEATHS_MAX} workers died within ${DEATHS_WINDOW_MS / 1_000} s: stopping`);
      return;
    }
    log.warn(`worker ${worker.process.pid} ended (${how}); replaced in ${restart.delayMs} ms`);
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!stopping) fork();
    }, restart.delayMs);
    timers.add(timer);
  };

  for (let started = 0; started < count; started++) fork();
  ready.promise.catch(() => undefined);
  return {
    ready: Promise.race([
      ready.promise,
      failed.promise.then((message) => Promise.reject(new StartRefused(message))),
    ]),
    failed: failed.promise,
    async stop() {
      stopping = true;
      for (const timer of timers) clearTimeout(timer);
      await Promise.all(living().map(stopWorker));
    },
  };
}

const living = (): readonly Worker[] =>
  Object.values(cluster.workers ?? {}).filter((it) => it !== undefined);

async function stopWorker(worker: Worker): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  worker.on("exit", () => resolve());
  if (worker.isDead()) return;
  const limit = setTimeout(() => worker.process.kill("SIGKILL"), WORKER_STOP_MS + STOP_GRACE_MS);
  if (worker.isConnected()) worker.send({ kind: "stop" } satisfies ToWorker);
  else worker.process.kill("SIGTERM");
  await promise;
  clearTimeout(limit);
}
