import type { RequestListener, Server } from "node:http";
import type { Cache, SharedStatus, TierEvent } from "../cache/index.ts";
import { channels } from "../core/channels.ts";
import { systemClock } from "../core/clock.ts";
import { HastenError } from "../core/errors.ts";
import { createResponseCache, type ResponseCache } from "../http/index.ts";
import type { Coherence, CoherenceStatus, Database, Sessions } from "../postgres/index.ts";
import type { FindingsStats, FindingsWatch } from "../traces/index.ts";
import { openFindings } from "./findings.ts";
import type { HastenOptions } from "./options.ts";
import { openPools, type Pools } from "./pools.ts";
import { drain, serve } from "./serve.ts";
import { openSessions } from "./sessions.ts";
import { openSources } from "./sources.ts";
import { createTelling, type Standing } from "./telling.ts";

/** The parts behind `hasten()`, whatever framework is on top. */
export interface OpenParts {
  readonly db: Database;
  readonly cache: Cache;
  readonly responses: ResponseCache;
  readonly coherence: Coherence;
  /** What is wrong with the statements of requests; undefined where it is switched off. */
  readonly findings: FindingsWatch | undefined;
  /** The sessions of the server; undefined where they are not watched. */
  readonly sessions: Sessions | undefined;
  /** The pools that are watched beside that of the database. */
  readonly pools: Pools;
  /** True for errors that say that the database cannot be reached now. */
  readonly isUnavailable: (error: unknown) => boolean;
  status(): HastenStatus;
  /** Says the promise, listens, and drains the server when everything is closed. */
  serve(listener: RequestListener, port?: number, host?: string): Promise<Server>;
  /** Runs before anything is closed. */
  beforeClose(work: () => void): void;
  close(): Promise<void>;
}

export interface HastenStatus {
  readonly coherence: CoherenceStatus;
  readonly database: ReturnType<Database["stats"]>;
  readonly cache: ReturnType<Cache["stats"]>;
  readonly responses: ReturnType<ResponseCache["stats"]>;
  /** How the Redis stands that the processes share; undefined without one. */
  readonly redis: SharedStatus | undefined;
  /** How many requests were judged by their statements; undefined where that is switched off. */
  readonly findings: FindingsStats | undefined;
}

const DRAIN_MS = 10_000;
const DRAIN_MS_MAX = 600_000;

/**
 * Opens database, coherence, cache and response cache, and wires them.
 * @throws HastenError for options out of bounds; never because the database or Redis is down
 */
export async function openParts(options: HastenOptions): Promise<OpenParts> {
  refuseUnknown(options);
  const findings = await openFindings(options.findings);
  try {
    return await openAll(options, findings);
  } catch (error) {
    findings?.close();
    throw error;
  }
}

async function openAll(
  options: HastenOptions,
  findings: FindingsWatch | undefined,
): Promise<OpenParts> {
  const { drainMs = DRAIN_MS, say = sayOnStandardError } = options;
  if (!(drainMs >= 0 && drainMs <= DRAIN_MS_MAX)) throw drainInvalid();
  const postgres = postgresOf(options);
  const { directUrl = postgres.directUrl } = options;
  const loaded = await import("../postgres/index.ts");
  const { createDatabase, isUnavailable } = loaded;
  const pools = openPools(options.poolWatch ?? postgres.poolWatch, loaded, say);
  let serving = false;
  const sources = await openSources(options, {
    ...options.coherence,
    url: postgres.url,
    directUrl,
    onEvent(event) {
      if (serving && (event.kind === "mode" || event.kind === "state")) telling.tell();
      options.coherence?.onEvent?.(event);
    },
  });
  const { cache, coherence } = sources;
  const standing = (): Standing => ({ status: coherence.status(), shared: cache.shared?.status() });
  const telling = createTelling(standing, say, systemClock);
  const tierTold = (event: unknown): void => {
    const told = event as TierEvent;
    if (serving && told.cache === cache.name && told.kind === "state") telling.tell();
  };
  if (cache.shared !== undefined) channels.cacheTier.subscribe(tierTold);
  const db = createDatabase({ ...postgres, directUrl, cache, poolWatch: pools.options });
  for (const pool of [db.pool, ...db.replicaPools]) coherence.watch(pool);
  const undo = (): Promise<void> => sources.close(() => db.drain());
  const sessions = await openSessions(options, { db, pools, directUrl, undo });
  const responses = createResponseCache({ tracked: true, ...options.responses, cache });
  const servers = new Set<Server>();
  const before: (() => void)[] = [];
  const shut = async (): Promise<void> => {
    await Promise.all([...servers].map((server) => drain(server, drainMs)));
    serving = false;
    telling.stop();
    for (const work of before) work();
    channels.cacheTier.unsubscribe(tierTold);
    findings?.close();
    pools.close();
    await sessions?.close();
    await undo();
  };
  let closing: Promise<void> | undefined;
  return {
    db,
    cache,
    responses,
    coherence,
    findings,
    sessions,
    pools,
    isUnavailable,
    status: () => ({
      coherence: coherence.status(),
      database: db.stats(),
      cache: cache.stats(),
      responses: responses.stats(),
      redis: cache.shared?.status(),
      findings: findings?.stats(),
    }),
    async serve(listener, port = 0, host) {
      const server = await serve(listener, port, host);
      servers.add(server);
      if (!serving) telling.tell();
      serving = true;
      return server;
    },
    beforeClose: (work) => void before.push(work),
    close() {
      closing ??= shut();
      return closing;
    },
  };
}

function postgresOf({
  postgres,
}: HastenOptions): Exclude<HastenOptions["postgres"], string | undefined> {
  if (postgres === undefined || postgres === "")
    throw new HastenError(
      "HST_FACADE_OPTION",
      "postgres is missing: the environment variable it comes from may not be set.",
      "Pass hasten({ postgres: 'postgres://…' }).",
    );
  return typeof postgres === "string" ? { url: postgres } : postgres;
}

const NAMES: readonly string[] = [
  ...["postgres", "redis", "directUrl", "coherence", "cache", "responses", "findings"],
  ...["drainMs", "say", "poolWatch", "sessions"],
];

/** An option in the wrong place would be a promise that is silently not kept. */
function refuseUnknown(options: object): void {
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown === undefined) return;
  throw new HastenError(
    "HST_FACADE_OPTION",
    `hasten() has no option ${JSON.stringify(unknown.slice(0, 64))}.`,
    `It has ${NAMES.join(", ")}; autoSetup, mode and boundMs go into coherence: { … }.`,
  );
}

const drainInvalid = (): HastenError =>
  new HastenError(
    "HST_FACADE_OPTION",
    `drainMs must be from 0 to ${DRAIN_MS_MAX}.`,
    "Pass milliseconds within its bounds or leave it out.",
  );

function sayOnStandardError(line: string): void {
  process.stderr.write(`${line}\n`);
}
