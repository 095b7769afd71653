/**
 * What an answer of Redis means to this process.
 *
 * Invariants:
 * - Only of the epoch that this process has confirmed on this connection.
 * - What this process itself has invalidated, and Redis has not acknowledged, is not there for it.
 *   And an answer from before an invalidation that was acknowledged meanwhile is of no use: it may
 *   have been executed before although it was asked for after (`ownSeq`).
 * - Times are turned into those of this process so that a value is rather older than younger.
 */
import type { Clock } from "../../../core/clock.ts";
import { type Instant, instant } from "../../../core/trust.ts";
import { prefixesOf } from "../../fence.ts";
import type { SharedEntry, SharedRead } from "../port.ts";
import type { ClockRecord, DecodedEntry, ReadAnswer } from "../protocol/types.ts";
import type { Captures } from "./captures.ts";
import type { Subject } from "./names.ts";
import type { RedisTime } from "./time.ts";

/** Fresh: not only in place of something better. */
export type Judged = SharedRead & { readonly fresh?: boolean };

export interface ReadingParts {
  readonly clock: Clock;
  readonly time: RedisTime;
  readonly captures: Captures;
  /** What may be trusted, and how far it was followed. */
  readonly place: { readonly epoch: string | undefined; readonly position: number | undefined };
  /** Of the latest own invalidation that Redis has acknowledged, in this epoch. */
  readonly ownSeq: (epoch: string) => number;
  readonly cover: (subject: Subject) => "deleted" | "expired" | undefined;
  /** Redis knows more than was heard here, or another clock. */
  readonly behind: () => void;
}

export const LOST = "its clock was lost";
const OWN = "invalidated by this process";

export class Reading {
  readonly #parts: ReadingParts;

  constructor(parts: ReadingParts) {
    this.#parts = parts;
  }

  judge(key: string, answer: ReadAnswer): Judged {
    if (answer.kind === "lost") return this.#unavailable(answer.because);
    const { clock } = answer;
    const now = instant(this.#parts.clock);
    const standing = this.#stand(clock, now.monotonicMs);
    if (standing !== undefined) return this.#unavailable(standing);
    const capture = { epoch: clock.epoch, seq: clock.seq };
    if (answer.kind === "undeclared") return { kind: "absent", capture, because: "not declared" };
    if (clock.seq < this.#parts.ownSeq(clock.epoch))
      return { kind: "absent", capture, because: OWN };
    if (answer.kind === "absent") return { kind: "absent", capture, because: answer.because };
    const { entry } = answer;
    const subject = { key, tags: entry.tags, prefixes: prefixesOf(key) };
    const own = this.#parts.cover(subject);
    if (own === "deleted") return { kind: "absent", capture, because: OWN };
    const known = this.#entry(entry, now, answer.expiredAtRedisMs, own === "expired");
    if (known.staleUntilMs <= now.monotonicMs) {
      return { kind: "absent", capture, because: "its time is over" };
    }
    const fresh = !known.expired && known.freshUntilMs > now.monotonicMs;
    return { kind: "found", entry: known, capture, fresh };
  }

  /** Why nothing of an answer with this clock counts; notes it where it does. */
  #stand(clock: ClockRecord, nowMs: number): string | undefined {
    const { place, captures, behind } = this.#parts;
    const { epoch, position } = place;
    if (epoch === undefined) return "nothing is confirmed yet";
    if (clock.epoch !== epoch) return "another epoch began";
    captures.note(nowMs, clock.epoch, clock.seq);
    if (position !== undefined && clock.head > position) behind();
    return undefined;
  }

  #unavailable(because: string): Judged {
    this.#parts.behind();
    return { kind: "unavailable", because };
  }

  /** @param own by this process, and Redis does not know it yet */
  #entry(
    found: DecodedEntry,
    now: Instant,
    expiredAtRedisMs: number | undefined,
    own: boolean,
  ): SharedEntry {
    const { time } = this.#parts;
    const redisMs = time.atMostMs(now) ?? Number.POSITIVE_INFINITY;
    const captured = time.instantOf(found.capturedRedisMs, now);
    const freshUntilMs = now.monotonicMs + (found.freshUntilRedisMs - redisMs);
    const staleUntilMs = now.monotonicMs + (found.staleUntilRedisMs - redisMs);
    const graceMs = Math.max(0, found.staleUntilRedisMs - found.freshUntilRedisMs);
    const expired = own || expiredAtRedisMs !== undefined;
    const expiredAgoMs =
      expiredAtRedisMs === undefined ? 0 : Math.max(0, redisMs - expiredAtRedisMs);
    return {
      payload: found.payload,
      tags: found.tags,
      freshUntilMs: expired ? Math.min(freshUntilMs, now.monotonicMs) : freshUntilMs,
      // Now at the latest: numbers may be ahead of the clock. Without a grace it is over.
      staleUntilMs: expired
        ? Math.min(staleUntilMs, now.monotonicMs + graceMs - expiredAgoMs)
        : staleUntilMs,
      expired,
      loadMs: found.loadMs,
      capturedMs: captured.monotonicMs,
      capturedWallMs: captured.wallMs,
      dependency: found.dependency,
      seq: found.seq,
    };
  }
}
