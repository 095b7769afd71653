/**
 * The right to load a key while other processes wait for the value.
 *
 * Invariants:
 * - A lease is renewed until it is released or filled, or is found not to be ours any more; if this
 *   process dies it runs out. It is a courtesy: two loads at once are never wrong, only more work.
 * - Who asks is among the waiters before Redis is asked: the end of the other's load is not missed.
 * - At most HELD_MAX are renewed, and as many wait as the waiters take; beyond that everyone loads.
 */
import type { Clock, Timer } from "../../../core/clock.ts";
import type { Lease, LeaseAnswer } from "../port.ts";
import { encodeWake } from "../protocol/log-body.ts";
import type { ReadAnswer, ShardCalls } from "../protocol/types.ts";
import type { Judged } from "./reading.ts";
import type { Waiters } from "./waiters.ts";

export interface LeasesParts {
  readonly calls: Pick<ShardCalls, "lease" | "extend" | "release">;
  readonly clock: Clock;
  readonly node: string;
  readonly leaseMs: number;
  readonly waiters: Waiters;
  readonly usable: () => boolean;
  readonly judge: (key: string, answer: ReadAnswer) => Judged;
  readonly failed: (error: unknown) => string;
}

interface Held {
  readonly key: string;
  timer: Timer | undefined;
}

const HELD_MAX = 10_000;
/** After a lease should be over: its end is noticed by Redis, not by us. */
const LATE_MS = 5;
const NONE: readonly string[] = [];
let holders = 0;

export class Leases {
  readonly #parts: LeasesParts;
  readonly #held = new Map<string, Held>();
  #closed = false;

  constructor(parts: LeasesParts) {
    this.#parts = parts;
  }

  get held(): number {
    return this.#held.size;
  }

  async take(key: string, declared: readonly string[] = NONE): Promise<LeaseAnswer> {
    const { calls, node, leaseMs, waiters, judge, failed } = this.#parts;
    const waiter = this.#held.size >= HELD_MAX ? undefined : waiters.join(key);
    if (waiter === undefined) return { kind: "unavailable", because: "too many wait" };
    holders += 1;
    const holder = `${node}.${holders}`;
    try {
      const reply = await calls.lease({ key, holder, leaseMs, declared });
      const read = judge(key, reply.read);
      if (read.kind === "unavailable" || this.#closed) {
        waiter.leave();
        if (reply.mine) void this.#letGo(key, holder);
        return {
          kind: "unavailable",
          because: read.kind === "unavailable" ? read.because : CLOSED,
        };
      }
      if (!reply.mine) {
        waiter.until(reply.leftMs + LATE_MS);
        return { kind: "theirs", over: waiter.over, leave: waiter.leave };
      }
      waiter.leave();
      const meanwhile = read.kind === "found" && read.fresh ? read.entry : undefined;
      return { kind: "mine", lease: this.#hold(key, holder), meanwhile };
    } catch (error) {
      waiter.leave();
      return { kind: "unavailable", because: failed(error) };
    }
  }

  /** Redis has ended it. */
  ended(lease: Lease): void {
    this.#held.get(lease.holder)?.timer?.cancel();
    this.#held.delete(lease.holder);
  }

  /** Resolves when Redis was told. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#held].map(([holder, held]) => this.#end(holder, held)));
  }

  #hold(key: string, holder: string): Lease {
    const held: Held = { key, timer: undefined };
    this.#held.set(holder, held);
    this.#renewLater(holder, held);
    return {
      holder,
      release: () => {
        const still = this.#held.get(holder);
        if (still !== undefined) void this.#end(holder, still);
      },
    };
  }

  #end(holder: string, held: Held): Promise<void> {
    held.timer?.cancel();
    this.#held.delete(holder);
    return this.#letGo(held.key, holder);
  }

  async #letGo(key: string, holder: string): Promise<void> {
    const { calls, usable, failed } = this.#parts;
    if (!usable()) return;
    try {
      await calls.release(key, holder, encodeWake([key]));
    } catch (error) {
      failed(error);
    }
  }

  #renewLater(holder: string, held: Held): void {
    const { clock, leaseMs } = this.#parts;
    held.timer = clock.schedule(leaseMs / 3, () => void this.#renew(holder, held));
  }

  async #renew(holder: string, held: Held): Promise<void> {
    const { calls, leaseMs, usable, failed } = this.#parts;
    let ours = true;
    try {
      if (usable()) ours = await calls.extend(held.key, holder, leaseMs);
    } catch (error) {
      failed(error);
    }
    if (!this.#held.has(holder)) return;
    if (ours) this.#renewLater(holder, held);
    else this.#held.delete(holder);
  }
}

const CLOSED = "the cache is closed";
