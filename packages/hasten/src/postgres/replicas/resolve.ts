import type { OptionNames } from "../../core/known-options.ts";
import { optionInvalid, refuseUnknown } from "../errors.ts";
import { type ReplicaTarget, type ResolvedOptions, resolvePool } from "../options.ts";
import { parseUrl } from "../url.ts";
import type { ReplicaReads } from "./reads.ts";

export interface ResolvedReplica {
  readonly name: string;
  /** As for the primary, but for where it is. */
  readonly options: ResolvedOptions;
}

const REPLICAS_MAX = 16;
/** A read has somewhere else to go: it does not wait for a replica as long as it would for the primary. */
const PATIENCE_MS = 1_000;
const PARTS = ["host", "port", "database", "user", "password", "ssl"] as const;

/** Where each replica is; what its URL does not say is as for the primary. @throws HST_PG_OPTION */
export function resolveReplicas(options: ResolvedOptions): readonly ResolvedReplica[] {
  const { replicas } = options;
  if (replicas.length > REPLICAS_MAX)
    throw optionInvalid("replicas", `at most ${REPLICAS_MAX}`, replicas.length);
  const given = replicas.map((one) => (typeof one === "string" ? { url: one } : one));
  const resolved = given.map((one, at) => resolveReplica(one, options, `replica-${at + 1}`));
  const names = resolved.map(({ name }) => name);
  if (new Set(names).size < names.length)
    throw optionInvalid("replicas[].name", "a name of its own for each", names.join(", "));
  return resolved;
}

function resolveReplica(
  given: ReplicaTarget,
  options: ResolvedOptions,
  otherwise: string,
): ResolvedReplica {
  const { name = otherwise } = given;
  if (name === "" || name.length > 63)
    throw optionInvalid("replicas[].name", "1 to 63 characters", name);
  const fromUrl = given.url === undefined ? {} : parseUrl(given.url);
  const { host: _host, port: _port, ...same } = options.target;
  const target: Record<string, unknown> = { ...same };
  for (const part of PARTS) {
    const value = given[part] ?? fromUrl[part];
    if (value !== undefined) target[part] = value;
  }
  if (fromUrl.options !== undefined) target["options"] = fromUrl.options;
  const acquireTimeoutMs = Math.min(options.pool.acquireTimeoutMs, PATIENCE_MS);
  const connectTimeoutMs = Math.min(options.pool.connectTimeoutMs, acquireTimeoutMs);
  const pool = resolvePool({ ...options.pool, acquireTimeoutMs, connectTimeoutMs, ...given.pool });
  const retry = { ...options.retry, connectRetries: 0 };
  const poolWatch = options.poolWatch === false ? (false as const) : { ...options.poolWatch, name };
  const own = { ...options, target, pool, retry, poolWatch, directTarget: undefined, replicas: [] };
  return { name, options: own };
}

const NAMES: OptionNames<ReplicaReads> = {
  ...{ default: true, maxLagMs: true, maxLagBytes: true, waitMs: true, probeEveryMs: true },
};

/** @throws HST_PG_OPTION */
export function resolveReads(given: ReplicaReads = {}): Required<ReplicaReads> {
  refuseUnknown("replicaReads", given, NAMES);
  const choice = given.default ?? "replica";
  if (choice !== "replica" && choice !== "primary")
    throw optionInvalid("replicaReads.default", '"replica" or "primary"', choice);
  return {
    default: choice,
    maxLagMs: within("maxLagMs", given.maxLagMs ?? 1_000, 1, 86_400_000),
    maxLagBytes: within("maxLagBytes", given.maxLagBytes ?? 64 * 1_024 * 1_024, 0, 2 ** 50),
    waitMs: within("waitMs", given.waitMs ?? 0, 0, 10_000),
    probeEveryMs: within("probeEveryMs", given.probeEveryMs ?? 1_000, 50, 60_000),
  };
}

function within(name: string, value: number, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw optionInvalid(`replicaReads.${name}`, `an integer from ${low} to ${high}`, value);
}
