/**
 * What the counters were a while ago, so that rates are about the present.
 *
 * Invariants: no timer; samples are taken by who asks, at least `SAMPLE_EVERY_MS` apart, and one
 * older than `WINDOW_MS` is kept only while there is no younger one to compare with: at most
 * `WINDOW_MS / SAMPLE_EVERY_MS + 1` are held.
 */
export const WINDOW_MS = 300_000;
export const SAMPLE_EVERY_MS = 10_000;

/** Counts that rates are made of. */
export interface Counted {
  readonly hits: number;
  readonly misses: number;
  readonly stored: number;
  readonly evictions: number;
  readonly loads: number;
  readonly loadFailures: number;
  readonly sharedHits: number;
  readonly sharedMisses: number;
  readonly gaps: number;
  readonly queued: number;
}

interface Sample {
  readonly atMs: number;
  readonly counted: Counted;
}

export interface Recent {
  readonly overMs: number;
  /** By how much each count grew (`queued` may have fallen). */
  readonly grown: Counted;
}

export class Window {
  /** The oldest first; the first one is from when the cache was made, until it is too old. */
  readonly #samples: Sample[] = [];

  constructor(nowMs: number, counted: Counted) {
    this.#samples.push({ atMs: nowMs, counted });
  }

  /** What happened since the oldest sample that is young enough. */
  since(nowMs: number, counted: Counted): Recent {
    const samples = this.#samples;
    while (samples.length > 1 && nowMs - samples[0]!.atMs > WINDOW_MS) samples.shift();
    const { atMs, counted: before } = samples[0]!;
    if (nowMs - samples.at(-1)!.atMs >= SAMPLE_EVERY_MS) samples.push({ atMs: nowMs, counted });
    return { overMs: nowMs - atMs, grown: minus(counted, before) };
  }
}

function minus(now: Counted, before: Counted): Counted {
  const grown = { ...now } as Record<keyof Counted, number>;
  for (const name of Object.keys(before) as (keyof Counted)[]) grown[name] -= before[name];
  return grown;
}

/** A share, or undefined where there is nothing to take it of. */
export function rate(part: number, whole: number): number | undefined {
  return whole <= 0 ? undefined : Math.min(1, Math.max(0, part / whole));
}
