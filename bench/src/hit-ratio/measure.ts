import { hasten } from "./policies/hasten.ts";
import { lru } from "./policies/lru.ts";
import type { PolicyFactory } from "./policies/policy.ts";
import { s3Fifo } from "./policies/s3-fifo.ts";
import { sieve } from "./policies/sieve.ts";
import { adaptiveWTinyLfu, wTinyLfu } from "./policies/w-tiny-lfu.ts";
import type { Trace } from "./traces.ts";

/** The policies compared; `hasten` is the store of the library itself. */
export const POLICIES = {
  LRU: lru,
  SIEVE: sieve,
  "S3-FIFO": s3Fifo,
  "W-TinyLFU 1 %": wTinyLfu,
  "W-TinyLFU climbing": adaptiveWTinyLfu,
  hasten,
} as const satisfies Record<string, PolicyFactory>;

export type PolicyName = keyof typeof POLICIES;

export const POLICY_NAMES = Object.keys(POLICIES) as readonly PolicyName[];

/** Hit ratios, in per cent, of every policy on one trace at one size. */
export interface Measured {
  readonly trace: string;
  readonly entriesMax: number;
  readonly hitPercent: Readonly<Record<PolicyName, number>>;
}

/** How far a policy stays behind, in points of hit ratio, over a set of measurements. */
export interface Shortfall {
  readonly mean: number;
  readonly worst: number;
  readonly belowLru: number;
}

export function measure(traces: readonly Trace[]): readonly Measured[] {
  return traces.flatMap((trace) =>
    trace.sizes.map((entriesMax) => {
      const percents = POLICY_NAMES.map((name) => [name, hitPercent(name, trace, entriesMax)]);
      return { trace: trace.name, entriesMax, hitPercent: Object.fromEntries(percents) };
    }),
  );
}

function hitPercent(name: PolicyName, trace: Trace, entriesMax: number): number {
  const policy = POLICIES[name]({ entriesMax, keys: trace.keys });
  let hits = 0;
  for (const key of trace.requests) if (policy.access(key)) hits += 1;
  return (100 * hits) / trace.requests.length;
}

/** The shortfall of `name` to the best policy at each point, and to LRU (0 when never below). */
export function shortfall(name: PolicyName, measured: readonly Measured[]): Shortfall {
  const behind = measured.map((at) => best(at) - at.hitPercent[name]);
  const belowLru = measured.map((at) => at.hitPercent.LRU - at.hitPercent[name]);
  return {
    mean: behind.reduce((sum, points) => sum + points, 0) / behind.length,
    worst: Math.max(...behind),
    belowLru: Math.max(0, ...belowLru),
  };
}

export function best(at: Measured): number {
  return Math.max(...Object.values(at.hitPercent));
}
