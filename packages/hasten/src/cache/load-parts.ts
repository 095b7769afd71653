import type { Linked } from "../core/chain.ts";
import type { CoarseClock } from "../core/coarse-clock.ts";
import type { Entry } from "./entry.ts";
import type { Fence, Fill } from "./fence.ts";
import type { ResolvedLoad } from "./load-options.ts";
import type { ResolvedOptions } from "./options.ts";
import type { Shelf } from "./shelf.ts";
import type { Counters } from "./stats.ts";
import type { LoadContext } from "./types.ts";

/** One caller's wish for a value, and what became of it so far. */
export class LoadRequest implements Linked<LoadRequest> {
  readonly key: string;
  readonly load: (context: LoadContext<never>) => unknown;
  readonly options: ResolvedLoad;
  readonly stale: Entry | undefined;
  /** Its caller was answered otherwise: it leads no further load. */
  gone = false;
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
    stale: Entry | undefined,
  ) {
    this.key = key;
    this.load = load;
    this.options = options;
    this.stale = stale;
  }
}

/** The three checks that keep a fill safe. Tests replace one to see that its absence is noticed. */
export interface LoadRules {
  /** A later caller must not share this flight. */
  sealed(fence: Fence, fill: Fill): boolean;
  /** What the flight brought, with these tags, may no longer be stored. */
  voided(fence: Fence, fill: Fill, tags: readonly string[]): boolean;
  /** A caller that joined at this seq may be given what the flight brought. */
  shares(landing: { readonly voided: boolean }, fill: Fill, joinedSeq: number): boolean;
}

export const LOAD_RULES: LoadRules = {
  sealed: (fence, fill) => fence.isVoid(fill),
  voided: (fence, fill, tags) => fence.isVoid(fill, tags),
  shares: (landing, fill, joinedSeq) => !landing.voided || joinedSeq === fill.seq,
};

/** What the parts of one cache share. */
export interface LoadParts {
  readonly options: ResolvedOptions;
  readonly fence: Fence;
  readonly shelf: Shelf;
  readonly counters: Counters;
  readonly coarse: CoarseClock;
  /** `coarse.now`: monotonic milliseconds. */
  readonly now: () => number;
  readonly rules: LoadRules;
}
