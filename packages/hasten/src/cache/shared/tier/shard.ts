/**
 * One shard of the tier: its connection, and everything that is known of it.
 *
 * Invariants:
 * - Usable means: connected, the clock of this connection's server seen and trusted, and not waiting
 *   to tell it that everything is void.
 * - When the connection is there again the confirmer asks first; what waits in the outbox is sent
 *   then; only after the confirmer's answer is anything read.
 * - Nothing is sent twice but invalidations.
 */
import type { Clock } from "../../../core/clock.ts";
import { instant } from "../../../core/trust.ts";
import type { RedisLink } from "../../../redis/index.ts";
import type { Capture, SharedValue } from "../port.ts";
import type { ConfirmAnswer, ShardCalls, WriteAnswer } from "../protocol/types.ts";
import { Captures } from "./captures.ts";
import { Confirmer, type Told } from "./confirmer.ts";
import { Leases } from "./leases.ts";
import type { ResolvedTier } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { Reading } from "./reading.ts";
import type { TierCounts } from "./stats.ts";
import { RedisTime } from "./time.ts";
import { Waiters } from "./waiters.ts";
import { Wake } from "./wake.ts";

export interface ShardParts {
  readonly link: RedisLink;
  readonly makeCalls: (redisNowMs: () => number) => ShardCalls;
  readonly space: string;
  readonly node: string;
  readonly clock: Clock;
  readonly options: ResolvedTier;
  readonly counts: TierCounts;
  readonly told: Pick<Told, "entries" | "confirmed" | "standing"> & {
    gap(because: string | undefined): void;
  };
}

const WAITERS_MAX = 10_000;
const WAIT_REPLICAS_MS = 100;

export class TierShard {
  readonly link: RedisLink;
  readonly calls: ShardCalls;
  readonly space: string;
  readonly time: RedisTime = new RedisTime();
  readonly captures: Captures = new Captures();
  readonly waiters: Waiters;
  readonly confirmer: Confirmer;
  readonly outbox: Outbox;
  readonly reading: Reading;
  readonly leases: Leases;
  readonly #parts: ShardParts;
  readonly #wake: Wake;
  readonly #unlisten: () => void;
  #own = { epoch: "", seq: 0 };

  constructor(parts: ShardParts) {
    const { link, clock, node, options, counts, space } = parts;
    this.#parts = parts;
    this.link = link;
    this.space = space;
    this.waiters = new Waiters(clock, WAITERS_MAX);
    const calls = parts.makeCalls(
      () => this.time.atMostMs(instant(clock)) ?? Number.POSITIVE_INFINITY,
    );
    this.calls = calls;
    const failed = (error: unknown): string => counts.failed(error);
    this.confirmer = new Confirmer({
      ...{ calls, link, clock, failed, time: this.time, captures: this.captures },
      everyMs: options.boundMs / 4,
      told: this.#told(failed),
    });
    this.outbox = new Outbox({
      ...{ calls, node, clock, failed, queueMax: options.queueMax },
      ready: () => link.state.kind === "ready",
      taken: (answer) => {
        this.taken(answer);
        return options.waitReplicas === 0 || this.#replicated(options.waitReplicas);
      },
      sent: (startedMs) => counts.writeMs.record(clock.nowMs() - startedMs),
    });
    this.reading = new Reading({
      ...{ clock, time: this.time, captures: this.captures },
      place: this.confirmer,
      ownSeq: (epoch) => (this.#own.epoch === epoch ? this.#own.seq : 0),
      cover: (subject) => this.outbox.cover(subject),
      behind: () => this.confirmer.nudge(),
    });
    this.leases = new Leases({
      ...{ calls, clock, node, failed, leaseMs: options.leaseMs, waiters: this.waiters },
      usable: () => this.usable,
      judge: (key, answer) => this.reading.judge(key, answer),
    });
    this.#wake = new Wake({
      ...{ link, clock, confirmer: this.confirmer, log: `${space}log` },
      pauseMs: options.boundMs / 4,
    });
    this.#unlisten = link.onState(({ kind }) => this.#turned(kind));
  }

  get usable(): boolean {
    return this.confirmer.epoch !== undefined && !this.outbox.everything;
  }

  /** Whether it is sent at all: what is longer on the way than a command may take stops all others. */
  carries({ payload }: SharedValue): boolean {
    return payload.bytes.length <= this.#parts.options.valueBytesMax;
  }

  /** Up to where the subscribers were told everything; undefined while that is not certain. */
  get applied(): Capture | undefined {
    return this.confirmer.epoch === undefined ? undefined : this.confirmer.applied;
  }

  /** Never throws, never waits. */
  start(): void {
    void this.#wake.run();
    if (this.link.state.kind === "ready") this.#turned("ready");
  }

  /** An invalidation of another process: what waits for its keys may have no one that loads. */
  heard(keys: readonly string[] | "all"): void {
    if (keys === "all") this.waiters.wakeAll();
    else this.waiters.wake(keys);
  }

  async close(): Promise<void> {
    this.#unlisten();
    this.confirmer.close();
    this.outbox.close();
    this.waiters.wakeAll();
    this.#wake.close();
    await this.link.close();
  }

  #turned(kind: RedisLink["state"]["kind"]): void {
    if (kind === "ready") {
      void this.confirmer.kick();
      this.outbox.resume();
    } else this.waiters.wakeAll();
    this.#parts.told.standing();
  }

  #told(failed: (error: unknown) => void): Told {
    const { told } = this.#parts;
    return {
      entries: (entries) => told.entries(entries),
      confirmed: (sent, received, sources: ConfirmAnswer["sources"]) =>
        told.confirmed(sent, received, sources),
      standing: () => {
        if (this.confirmer.epoch !== undefined) this.#wake.go();
        told.standing();
      },
      gap: (because) => {
        this.waiters.wakeAll();
        told.gap(because);
      },
      failed,
    };
  }

  /** Redis has an invalidation of ours, or another write that counts as one. */
  taken({ clock }: WriteAnswer): void {
    const former = this.#own.epoch === clock.epoch ? this.#own.seq : 0;
    this.#own = { epoch: clock.epoch, seq: Math.max(former, clock.seq) };
    if (clock.epoch !== this.confirmer.epoch) this.confirmer.doubt();
    else this.captures.note(this.#parts.clock.nowMs(), clock.epoch, clock.seq);
  }

  async #replicated(wanted: number): Promise<boolean> {
    try {
      const words = ["WAIT", `${wanted}`, `${WAIT_REPLICAS_MS}`];
      return Number(await this.link.call(words)) >= wanted;
    } catch {
      return false;
    }
  }
}
