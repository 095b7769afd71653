/** What the person who started it needs to know. */
import type { CoherenceStatus } from "hasten/postgres";
import { createTokens } from "../api/auth/tokens.ts";
import type { Config, StorageMode } from "../config/index.ts";
import { DEMO_PASSWORD, DEMO_ROLES, userRow } from "../seed/index.ts";
import { promiseLine } from "./promise.ts";
import type { Secrets } from "./secrets.ts";

export interface Started {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly mode: StorageMode;
  readonly port: number;
  readonly tookMs: number;
  readonly coherence: CoherenceStatus;
}

const MIB = 1_048_576;

export async function banner(started: Started): Promise<string> {
  const { config, mode, port, tookMs } = started;
  const base = baseUrl(config.host, port);
  const token = mode === "local" ? await demoToken(started.secrets) : undefined;
  const lines = [
    `metrics-api is ready after ${(tookMs / 1_000).toFixed(1)} s`,
    "",
    `  API          ${base}/api/v1/metrics   (also domains, objectives, users, metrics/stats)`,
    `  public       ${base}/api/v1/public/metrics`,
    `  docs         ${base}/docs   ${base}/openapi.json`,
    `  health       ${base}/healthz   ${base}/readyz`,
    "",
    `  storage      ${storageLine(started)}`,
    `  cache        ${cacheLine(config)}`,
    ...(config.cache.enabled ? [`  freshness    ${promiseLine(started.coherence)}`] : []),
    `  processes    ${config.processes} (process ${process.pid})`,
    ...accountLines(mode),
    "",
    `  curl -s -H 'authorization: Bearer ${token ?? "<token>"}' '${base}/api/v1/metrics?limit=3'`,
    "",
    "Ctrl-C stops everything.",
  ];
  return lines.join("\n");
}

function baseUrl(host: string, port: number): string {
  const shown = host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return `http://${shown.includes(":") ? `[${shown}]` : shown}:${port}`;
}

function storageLine({ mode, config }: Started): string {
  if (mode === "local") return `local: embedded PostgreSQL 18, kept in ${config.dataDir}`;
  const { host, pathname } = new URL(config.databaseUrl ?? "postgres://unknown");
  return `postgres: ${host}${pathname}`;
}

function cacheLine({ cache, redisUrl }: Config): string {
  if (!cache.enabled)
    return "off (ENABLE_CACHE=false): every request is answered from the database";
  const bytes = `${Math.round(cache.bytesMax / MIB)} MiB`;
  return `memory, ${cache.entriesMax.toLocaleString("en")} entries and ${bytes} in each process, fresh for ${cache.ttlMs / 1_000} s; ${tierLine(redisUrl)}`;
}

function tierLine(redisUrl: string | undefined): string {
  return redisUrl === undefined ? "no second tier" : `shared by Redis at ${new URL(redisUrl).host}`;
}

function accountLines(mode: StorageMode): readonly string[] {
  if (mode !== "local") return ["  accounts     npm run user:add -- <email> <viewer|editor|admin>"];
  const accounts = DEMO_ROLES.map((role) => `${role}@example.com`).join(", ");
  return [`  accounts     ${accounts}; password ${DEMO_PASSWORD}`];
}

async function demoToken({ jwtSecret }: Secrets): Promise<string> {
  const { id, document } = userRow(0);
  const tokens = createTokens({ secret: jwtSecret });
  const identity = { id, email: String(document["email"]), role: "viewer", demo: true } as const;
  return (await tokens.issue(identity)).token;
}
