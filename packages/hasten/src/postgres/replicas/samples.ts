/**
 * How far the primary's log went, and when.
 *
 * Invariants:
 * - `position` is an *insert* position, taken by a statement that was sent at `asked` or later. Every
 *   commit acknowledged before `asked` ends at or before it, also one of `synchronous_commit = off`,
 *   which is neither written nor flushed then; and no replica had replayed more before `asked`.
 * - In order of `asked`. At most SAMPLES_MAX are kept; the oldest are forgotten, and what only they
 *   could tell is told by a later one, which is higher: never less than is right.
 */
import type { Moment } from "./order.ts";
import type { Position } from "./position.ts";

export interface Sample {
  readonly asked: Moment;
  readonly askedMs: number;
  readonly position: Position;
}

const SAMPLES_MAX = 256;
/** Samples nearer together than this are not worth a place: they would push out the older ones. */
const APART_MS = 20;

export class Samples {
  readonly #kept: Sample[] = [];
  #latest: Sample | undefined;

  get latest(): Sample | undefined {
    return this.#latest;
  }

  add(sample: Sample): void {
    if (this.#latest !== undefined && sample.asked <= this.#latest.asked) return;
    this.#latest = sample;
    const last = this.#kept.at(-1);
    const first = last === undefined || sample.askedMs - last.askedMs >= APART_MS;
    if (!first) return;
    this.#kept.push(sample);
    if (this.#kept.length > SAMPLES_MAX) this.#kept.shift();
  }

  /** It is another server's log from here on, or one that was cut off: positions do not compare. */
  clear(): void {
    this.#kept.length = 0;
    this.#latest = undefined;
  }

  /** The lowest known position that covers all that had happened by `moment`. */
  covering(moment: Moment): Position | undefined {
    if (this.#latest === undefined || this.#latest.asked <= moment) return undefined;
    return (this.#kept.find(({ asked }) => asked > moment) ?? this.#latest).position;
  }

  /**
   * How old the state of a server is that has replayed up to `replayed`, in milliseconds: the time
   * since the primary stood there, between two samples by their share of the log. By one clock only.
   */
  ageMs(replayed: Position, nowMs: number): number | undefined {
    const latest = this.#latest;
    if (latest === undefined) return undefined;
    if (replayed >= latest.position) return 0;
    const all = this.#kept.at(-1) === latest ? this.#kept : [...this.#kept, latest];
    for (let at = all.length - 2; at >= 0; at--) {
      const before = all[at]!;
      if (before.position > replayed) continue;
      return nowMs - between(before, all[at + 1]!, replayed);
    }
    return nowMs - all[0]!.askedMs;
  }
}

function between(before: Sample, after: Sample, replayed: Position): number {
  const span = Number(after.position - before.position);
  const share = span === 0 ? 1 : Number(replayed - before.position) / span;
  return before.askedMs + share * (after.askedMs - before.askedMs);
}
