/**
 * One API process: Express, routes cached by one line each over a watched pool, and a route that
 * writes through the same pool. Forked; ends with its parent.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import express, { type RequestHandler } from "express";
import { type Cache, createCache } from "hasten/cache";
import { cached, createResponseCache, requests } from "hasten/express";
import { type Coherence, openCoherence } from "hasten/postgres";
import { nowMs } from "./clock.ts";
import { type Rows, reach } from "./database.ts";
import { type ApiSettings, settingsOf, tell } from "./messages.ts";
import {
  bumpingOnDecode,
  capturingLate,
  carryingInsideTheQueue,
  trustWithoutHeartbeat,
} from "./mutants.ts";
import { becomePlaced, isPlacedMutant } from "./placed-mutants.ts";
import { type ReadRoute, ROUTE_NAMES, ROUTES } from "./schema.ts";
import { become, isSharedMutant } from "./shared-mutants.ts";
import { carryOut, type Plan } from "./writes.ts";

process.env["NODE_ENV"] = "test";
process.on("disconnect", () => process.exit(0));

const settings = settingsOf<ApiSettings>();
const { url, directUrl, redisUrl, name, boundMs, mutant, bare: uncached } = settings;
const REDIS_START_MS = 5_000;
const TTL_MS = 3_600_000;

if (mutant !== undefined && isSharedMutant(mutant)) become(mutant);
if (mutant !== undefined && isPlacedMutant(mutant)) becomePlaced(mutant);
if (mutant === "no-heartbeat") trustWithoutHeartbeat();
if (mutant === "als-in-queue") carryingInsideTheQueue();
if (mutant === "bump-on-decode") bumpingOnDecode();
const { coherence, own } = await openSources();
const cache = mutant === "late-capture" ? capturingLate(own) : own;
coherence.attach(cache);

const reached = reach(settings, coherence, cache);
const { pool } = reached;
const responses = createResponseCache({
  cache,
  tracked: true,
  onNotice: (notice) =>
    process.stderr.write(`${name}: ${notice.kind} ${notice.route}: ${notice.detail}\n`),
});

const app = express();
app.disable("x-powered-by");
app.use(requests());
app.use(reached.inSession);
for (const route of ROUTE_NAMES) {
  const reading: ReadRoute = ROUTES[route];
  const { ttlMs = TTL_MS, inFront = false } = reading;
  const before = cached(responses, {
    ttlMs,
    shared: true,
    public: inFront,
    staleIfErrorMs: TTL_MS,
    staleWhileRevalidateMs: ttlMs === TTL_MS ? 0 : TTL_MS,
  });
  app.get(`/${route}/:id`, ...(uncached ? [] : [before]), answering(reading));
}
app.post("/write", express.json(), async (req, res) => {
  const write = await carryOut(req.body as Plan, pool, name);
  res.json({ write: write ?? null, token: await reached.token(), answeredAtMs: nowMs() });
});
app.post("/hand-over", async (_req, res) => {
  await coherence.handOver();
  res.json({});
});
app.get("/status", (_req, res) => {
  const { replicas } = reached.stats();
  res.json({ coherence: coherence.status(), responses: responses.stats(), replicas });
});

/** When a load of the nested cache last ended, by key. */
const loadedAtMs = new Map<string, number>();

const server = createServer(responses.front(app)).listen(0, "127.0.0.1", () => {
  tell({ kind: "ready", port: (server.address() as AddressInfo).port });
});
server.keepAliveTimeout = 60_000;
process.on("SIGTERM", () => void end());

/** In the order in which they need each other: see `facade/sources.ts`. */
async function openSources(): Promise<{ coherence: Coherence; own: Cache }> {
  const options = {
    ...{ url, directUrl, boundMs, autoSetup: true, retryMs: 1_000 },
    mode: uncached ? "ttl" : "stream",
  } as const;
  if (redisUrl === undefined) {
    const coherence = await openCoherence(options);
    const own = createCache({ name: "chaos", tracked: true, log: coherence.log });
    return { coherence, own };
  }
  const own = createCache({ name: "chaos", tracked: true, redis: redisUrl });
  await own.shared?.ready(REDIS_START_MS);
  const coherence = await openCoherence({ ...options, shared: own.shared });
  return { coherence, own };
}

/** As a deployment ends a process. */
async function end(): Promise<void> {
  server.close();
  server.closeIdleConnections();
  await coherence.close();
  await own.close();
  process.exit(0);
}

function answering(route: ReadRoute): RequestHandler {
  return async (req, res) => {
    const values = [Number(req.params["id"])];
    const before = route.first === undefined ? [] : await reached.readOnClient(route.first, values);
    const ask = (): Promise<Rows> => reached.read(route.sql, values);
    const startedAtMs = nowMs();
    const nested = route.nested === true && !uncached;
    const load = async (): Promise<Rows> => {
      const loaded = await ask();
      loadedAtMs.set(req.path, nowMs());
      return loaded;
    };
    const rows = nested ? await cache.getOrSet(req.path, load, { ttlMs: TTL_MS }) : await ask();
    // Kept, not just loaded: by this request, or by one that it has joined.
    const kept = nested && (loadedAtMs.get(req.path) ?? 0) < startedAtMs;
    if (route.slowMs !== undefined) await delay(route.slowMs);
    const seen: [string, number][] = [];
    for (const row of [...before, ...rows]) {
      if (row.row !== undefined) seen.push([row.row, Number(row.version)]);
      if (row.team_row !== undefined) seen.push([row.team_row, Number(row.team_version)]);
    }
    res.json({
      kept,
      rows: seen,
      sum: rows[0]?.sum === undefined ? undefined : Number(rows[0].sum),
    });
  };
}
