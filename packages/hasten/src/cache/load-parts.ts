import type { Linked } from "../core/chain.ts";
import type { CoarseClock } from "../core/coarse-clock.ts";
import type { Trace } from "../core/trace/index.ts";
import type { Entry } from "./entry.ts";
import { Fence, type FenceLimits } from "./fence.ts";
import type { Fill } from "./fill.ts";
import { dependencyOf, type Guard, type Used } from "./guard.ts";
import type { History } from "./history.ts";
import type { HitSampler } from "./hot/sampler.ts";
import type { LoadGate } from "./load-gate.ts";
import type { ResolvedLoad } from "./load-options.ts";
import type { ResolvedOptions } from "./options.ts";
import type { SharedTier } from "./shared/port.ts";
import type { Shelf } from "./shelf.ts";
import type { Counters } from "./stats.ts";
import { TIER_RULES, type TierRules } from "./two-tier/rules.ts";
import type { LoadContext } from "./types.ts";

/** One caller's wish for a value, and what became of it so far. */
export class LoadRequest implements Linked<LoadRequest> {
  readonly key: string;
  readonly load: (context: LoadContext<never>) => unknown;
  readonly options: ResolvedLoad;
  /** What may stand in; also found elsewhere while it waits. */
  stale: Entry | undefined;
  /** Told when something to stand in was found. */
  onStale: (() => void) | undefined = undefined;
  /** Told when its load will not start soon: somebody else loads, or others are before it. */
  onDelay: (() => void) | undefined = undefined;
  /** A load waits for it. */
  readonly nested: boolean;
  /** What its caller reads in: told what the caller is given. Asked for at the call. */
  readonly trace: Trace | undefined;
  /** Its caller was answered otherwise: it leads no further load. */
  gone = false;
  /** Nobody waits for it. */
  background = false;
  /** It waited for a flight in vain: whatever it joins now began after it asked. */
  again = false;
  /** Loads that failed while it waited. */
  failures = 0;
  /** It was sent back once: only flights begun after every invalidation will do. */
  current = false;
  /** The fence's seq when it joined the flight it waits for. */
  joinedSeq = 0;
  _older: LoadRequest | undefined = undefined;
  _newer: LoadRequest | undefined = undefined;

  constructor(
    key: string,
    load: LoadRequest["load"],
    options: ResolvedLoad,
    { stale, trace, nested }: Pick<LoadRequest, "stale" | "trace" | "nested">,
  ) {
    this.key = key;
    this.load = load;
    this.options = options;
    this.stale = stale;
    this.trace = trace;
    this.nested = nested;
  }

  /** Another process's value, which is not fresh any more. */
  offer(found: Entry): void {
    this.stale = found;
    this.onStale?.();
  }
}

/** The checks that keep a fill safe. Tests replace one to see that its absence is noticed. */
export interface LoadRules {
  /** A later caller must not share this flight. */
  sealed(fence: Fence, fill: Fill): boolean;
  /** What the flight brought, with these tags, may no longer be stored. */
  voided(fence: Fence, fill: Fill, tags: readonly string[]): boolean;
  /** A caller that joined may be given what the flight brought. */
  shares(
    landing: { readonly voided: boolean; readonly used: Used },
    fill: Fill,
    request: LoadRequest,
  ): boolean;
  /** What hangs on this may be served as fresh as far as its sources tell. */
  confirmed(guard: Guard): boolean;
  /** Whoever reads in this trace used that. */
  include(trace: Trace, used: Used): void;
  fence(limits: FenceLimits): Fence;
  /** Those of two tiers. */
  readonly tier: TierRules;
}

export const LOAD_RULES: LoadRules = {
  sealed: (fence, fill) => fence.isVoid(fill),
  voided: (fence, fill, tags) => fence.isVoid(fill, tags),
  shares({ voided, used }, fill, { joinedSeq, again }) {
    // A source tells of a change after it happened: maybe before the joiner asked.
    if (used.guard !== undefined && !again) return !voided && used.guard.confirmed;
    return !voided || joinedSeq <= fill.seq;
  },
  confirmed: (guard) => guard.confirmed,
  include: (trace, used) => trace.include(dependencyOf(used)),
  fence: (limits) => new Fence(limits),
  tier: TIER_RULES,
};

/** What the parts of one cache share. */
export interface LoadParts {
  readonly options: ResolvedOptions;
  readonly fence: Fence;
  readonly shelf: Shelf;
  readonly counters: Counters;
  readonly coarse: CoarseClock;
  readonly sampler: HitSampler;
  /** `coarse.now`: monotonic milliseconds. */
  readonly now: () => number;
  readonly rules: LoadRules;
  readonly history: History;
  /** What it shares with other processes. */
  readonly tier: SharedTier | undefined;
  /** Undefined where any number of loads may run. */
  readonly gate: LoadGate | undefined;
  /** What sources of changes know the cache by. */
  readonly identity: { cache: object };
}
