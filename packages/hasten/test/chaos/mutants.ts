/**
 * Ways to be wrong, each taken by one API process as a whole. None is reachable from the library:
 * they wrap or replace its parts from outside, and the chaos must find each of them.
 */
import type { Cache } from "../../src/cache/index.ts";
import { sequence } from "../../src/core/sequence.ts";
import { Trust } from "../../src/core/trust.ts";
import { Parked } from "../../src/postgres/stream/parked.ts";
import { carriage } from "../../src/postgres/watch/carry.ts";

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

/** The trace is looked for where the pool's queue runs: in the context of whoever gave a client back. */
export function carryingInsideTheQueue(): void {
  carriage.atPublicCall = false;
}

/** What is decoded is dropped, whether or not readers see it yet. */
export function bumpingOnDecode(): void {
  const { add } = Parked.prototype;
  Parked.prototype.add = function (this: Parked, gathered) {
    add.call(this, gathered);
    const beyond = gathered.xid + 1;
    this.see({ xmin: beyond, xmax: beyond, running: new Set() });
  };
}
