/**
 * Ways to be wrong, each taken by one API process as a whole. None is reachable from the library:
 * they wrap or replace its parts from outside, and the chaos must find each of them.
 */
import type pg from "pg";
import type { Cache } from "../../src/cache/index.ts";
import { sequence } from "../../src/core/sequence.ts";
import { Trust } from "../../src/core/trust.ts";

export const MUTANTS = ["bump-on-decode", "late-capture", "als-in-queue", "no-heartbeat"] as const;
export type Mutant = (typeof MUTANTS)[number];

export function isMutant(name: string): name is Mutant {
  return (MUTANTS as readonly string[]).includes(name);
}

/** A source once confirmed is confirmed for ever, as long as nobody noticed a gap. */
export function trustWithoutHeartbeat(): void {
  Object.defineProperty(Trust.prototype, "ageMs", { value: () => 0 });
  Object.defineProperty(Trust.prototype, "confirmed", {
    get(this: Trust) {
      return !this.ended;
    },
  });
}

/** Its fills are judged from when they are stored, not from before their source was read. */
export function capturingLate(cache: Cache): Cache {
  const set: Cache["set"] = (key, value, options) => {
    const { dependency, token } = options as LateOptions;
    if (token === undefined || dependency === undefined) return cache.set(key, value, options);
    const now = { seq: sequence.now(), capturedMs: performance.now(), capturedWallMs: Date.now() };
    const late = { ...options, token: cache.begin(key), dependency: { ...dependency, ...now } };
    return cache.set(key, value, late as typeof options);
  };
  return { ...cache, set };
}

interface LateOptions {
  readonly token?: unknown;
  readonly dependency?: object;
}

/** Clients are watched where the pool hands them out: in the context of whoever gave one back. */
export function watchingInsideTheQueue(pool: pg.Pool, watch: (client: object) => unknown): pg.Pool {
  pool.on("connect", (client) => {
    watch(client);
  });
  return pool;
}
