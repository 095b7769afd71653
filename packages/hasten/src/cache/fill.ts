import type { Linked } from "../core/chain.ts";
import type { Trust } from "../core/trust.ts";
import type { Lease } from "./shared/port.ts";

/** Opens with `cache.begin(key)`; proves that nothing was invalidated since. */
export interface FillToken {
  readonly key: string;
  /** Whether a set with it would be refused, for a value with these tags. */
  voided(tags: readonly string[]): boolean;
  /** Says that nothing will be stored. May be called again, and after a set. */
  release(): void;
}

/** What judges fills. */
export interface FillHome {
  isVoid(fill: Fill, learnt?: readonly string[]): boolean;
  end(fill: Fill): void;
}

/** The time between reading a source and storing what was read. */
export class Fill implements FillToken, Linked<Fill> {
  readonly key: string;
  /** Of the latest invalidation when it began, or began anew. */
  seq: number;
  /** Tags known before the result is. */
  tags: readonly string[];
  state: "open" | "void" | "ended" = "open";
  /** What the log of invalidations was trusted by when it began. */
  log: Trust | undefined = undefined;
  /** When it began, on both clocks; known only where something asks for it. */
  capturedMs: number = Number.NEGATIVE_INFINITY;
  capturedWallMs: number = Number.NEGATIVE_INFINITY;
  _older: Fill | undefined = undefined;
  _newer: Fill | undefined = undefined;
  /** The right to load the key while other processes wait, where there are some. Ends with it. */
  lease: Lease | undefined = undefined;
  readonly #fence: FillHome;

  constructor(fence: FillHome, key: string, seq: number) {
    this.#fence = fence;
    this.key = key;
    this.seq = seq;
    this.tags = NO_TAGS;
  }

  voided(tags: readonly string[]): boolean {
    return this.#fence.isVoid(this, tags);
  }

  release(): void {
    this.#fence.end(this);
    this.lease?.release();
    this.lease = undefined;
  }

  belongsTo(fence: FillHome): boolean {
    return this.#fence === fence;
  }
}

const NO_TAGS: readonly string[] = [];
