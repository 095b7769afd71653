/**
 * Follows the log of one shard, and proves how far.
 *
 * Invariants:
 * - A confirmation is one atomic answer of Redis, effective from when it was *sent*: every
 *   invalidation acknowledged before then is in what it brought or was applied before. It counts
 *   only when the head was reached; until then page follows page.
 * - Entries are applied in order, each once. Whatever does not continue the log is a gap: the epoch
 *   changed, the clock was lost, entries are missing, the head went back. Then everything that was
 *   kept here is dropped, and the log is followed from its head.
 * - The first place is a gap too: what was kept before it may have been invalidated unheard.
 * - Nothing counts of a connection before its clock was seen to be that of its server. A clock that
 *   is missing or another server's is renewed, once for all nodes (the first wins). On a server other
 *   than the one before, this process sees to it that a new epoch begins after it came, whatever the
 *   clock says: what it wrote or heard on the other may be unknown there. Nor is a clock trusted that
 *   went back: the server has older data than it had, and what was invalidated since is valid in it.
 * - One question at a time; asked every `everyMs` and when woken; memory is one place.
 */
import type { Clock, Timer } from "../../../core/clock.ts";
import { untraced } from "../../../core/trace/index.ts";
import { type Instant, instant } from "../../../core/trust.ts";
import { RedisError, type RedisLink } from "../../../redis/index.ts";
import type { Capture } from "../port.ts";
import { judgeLog } from "../protocol/log-calls.ts";
import type { ClockRecord, ConfirmAnswer, LogEntry, ShardCalls } from "../protocol/types.ts";
import type { Captures } from "./captures.ts";
import type { RedisTime } from "./time.ts";

export interface ConfirmerParts {
  readonly calls: Pick<ShardCalls, "confirm" | "renew">;
  readonly link: Pick<RedisLink, "state" | "server" | "generation">;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly time: RedisTime;
  readonly captures: Captures;
  readonly told: Told;
}

/** What comes of it. */
export interface Told {
  /** Entries after the former place, in order. */
  entries(entries: readonly LogEntry[]): void;
  /** Everything kept here may be outdated; `because` is undefined at the very start. */
  gap(because: string | undefined): void;
  /** Everything acknowledged before then has been applied. */
  confirmed(sent: Instant, received: Instant, sources: ConfirmAnswer["sources"]): void;
  /** Whether the shard can be used may have changed. */
  standing(): void;
  failed(error: unknown): void;
}

/** The latest entry of the log that was applied, and of which epoch. */
interface Place {
  readonly epoch: string;
  readonly position: number;
}

const PAGE_MAX = 250;
/** More rounds without a pause than any log has pages: something is wrong then. */
const ROUNDS_MAX = 1_000;
const BEYOND = Number.MAX_SAFE_INTEGER;
/** Between two questions that are only asked since something was added. */
export const NUDGE_MS = 5;
const WAITING_MAX = 10_000;

/** `failed`: asked again when it is time, or when the connection is there again. */
type Round = "reached" | "more" | "failed";

export class Confirmer {
  readonly #parts: ConfirmerParts;
  #place: Place | undefined;
  #applied: Capture | undefined;
  /** The connection on which the clock was seen to be its server's. */
  #generation = -1;
  /** Of the server whose clock was trusted last. */
  #runId: string | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #confirmedAt: Instant | undefined;
  #because: string | undefined;
  #page = PAGE_MAX;
  #running: Promise<void> | undefined;
  #again = false;
  #timer: Timer | undefined;
  #waiting: { readonly capture: Capture; readonly resolve: (met: boolean) => void }[] = [];
  #closed = false;

  constructor(parts: ConfirmerParts) {
    this.#parts = parts;
  }

  /** The epoch that may be trusted now; undefined while none may. */
  get epoch(): string | undefined {
    const { link } = this.#parts;
    if (link.state.kind !== "ready" || link.generation !== this.#generation) return undefined;
    return this.#place?.epoch;
  }

  get position(): number | undefined {
    return this.#place?.position;
  }

  /** When the latest question was sent that reached the head, of this place. */
  get confirmedAt(): Instant | undefined {
    return this.#confirmedAt;
  }

  /** Up to where everything was handed over. */
  get applied(): Capture | undefined {
    return this.#applied;
  }

  /** Why it was refused, where the server is there and does not do what is asked. */
  get because(): string | undefined {
    return this.#because;
  }

  /** Asks now, or again if an answer is under way. Resolves when that is over; never rejects. */
  kick(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#again = true;
    // Not in the trace of whoever happened to ask: it goes on after that.
    this.#running ??= untraced(() => this.#run());
    return this.#running;
  }

  /** There is more, or another clock. Not at once where it has just been asked: that adds up. */
  nudge(): void {
    if (this.#parts.clock.nowMs() - this.#askedMs >= NUDGE_MS) void this.kick();
  }

  /** The clock is another one by now: nothing is trusted before the next answer. */
  doubt(): void {
    this.#generation = -1;
    void this.kick();
  }

  /** Whether what was applied is at or past the capture; asks once more where it is not. */
  caughtUp(capture: Capture): Promise<boolean> {
    if (this.#met(capture)) return Promise.resolve(true);
    const full = this.#waiting.length >= WAITING_MAX;
    if (full || this.#place?.epoch !== capture.epoch) return Promise.resolve(false);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.push({ capture, resolve });
    void this.kick();
    return promise;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#answer(false);
  }

  #met({ epoch, seq }: Capture): boolean {
    const applied = this.#applied;
    return applied !== undefined && applied.epoch === epoch && applied.seq >= seq;
  }

  async #run(): Promise<void> {
    const { clock, everyMs, told } = this.#parts;
    this.#timer?.cancel();
    const beganMs = clock.nowMs();
    for (let round = 0; this.#again && !this.#closed && round < ROUNDS_MAX; round++) {
      this.#again = false;
      const outcome = await this.#round();
      if (outcome === "more") this.#again = true;
      told.standing();
      // Who came during the last round is answered by one that was asked after it came.
      this.#answer(this.#again && outcome !== "failed");
    }
    // In the same turn as the loop's last look at `#again`: a kick in between would be lost.
    this.#running = undefined;
    if (this.#closed) return;
    const leftMs = Math.max(1, everyMs - (clock.nowMs() - beganMs));
    this.#timer = clock.schedule(leftMs, () => void this.kick());
  }

  /** @param stay those whose answer may still come */
  #answer(stay: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      const met = this.#met(one.capture);
      if (!met && stay && this.#place?.epoch === one.capture.epoch) this.#waiting.push(one);
      else one.resolve(met);
    }
  }

  async #round(): Promise<Round> {
    const { link, calls, clock, time, told } = this.#parts;
    const { server, generation } = link;
    if (link.state.kind !== "ready" || server === undefined) return "failed";
    const sent = instant(clock);
    this.#askedMs = sent.monotonicMs;
    try {
      const answer = await calls.confirm(this.#place?.position ?? BEYOND, this.#page);
      if (this.#closed || generation !== link.generation) return "failed";
      const received = instant(clock);
      time.learn(answer.redisMs, sent, received);
      const lost = this.#lostBy(answer, server.runId);
      if (lost !== undefined || answer.clock === undefined) {
        if (this.#place !== undefined) this.#drop(lost);
        await calls.renew(answer.clock?.epoch);
        if (generation !== link.generation) return "failed";
        this.#runId = server.runId;
        return "more";
      }
      this.#runId = server.runId;
      this.#because = undefined;
      const reached = this.#follow(answer, answer.clock, received);
      this.#generation = generation;
      if (!reached) return "more";
      this.#page = Math.min(PAGE_MAX, this.#page * 2);
      this.#applied = { epoch: answer.clock.epoch, seq: answer.clock.seq };
      this.#confirmedAt = sent;
      told.confirmed(sent, received, answer.sources);
      return "reached";
    } catch (error) {
      // It may have been too much for the time-out.
      this.#page = Math.max(1, this.#page >> 2);
      this.#because = refusalOf(error);
      told.failed(error);
      return "failed";
    }
  }

  /** Why nothing that is in Redis counts any more. */
  #lostBy({ clock }: ConfirmAnswer, runId: string): string | undefined {
    if ((this.#runId ?? runId) !== runId) return "another server";
    if (clock === undefined) return "its clock was lost";
    const place = this.#place;
    if (place === undefined || place.epoch !== clock.epoch) return undefined;
    const back = clock.head < place.position || clock.seq < (this.#applied?.seq ?? 0);
    return back ? "its clock went back" : undefined;
  }

  /** Says whether the head was reached. */
  #follow(answer: ConfirmAnswer, clock: ClockRecord, { monotonicMs }: Instant): boolean {
    const { captures, told } = this.#parts;
    const place = this.#place ?? { epoch: "", position: 0 };
    const judged = judgeLog(answer, place);
    if (judged.kind === "gap") {
      this.#drop(this.#place === undefined ? undefined : judged.because);
      this.#place = { epoch: clock.epoch, position: clock.head };
      captures.note(monotonicMs, clock.epoch, clock.seq);
      return true;
    }
    captures.note(monotonicMs, clock.epoch, clock.seq);
    // Before they are told: what a listener asks is about the place that it was told of.
    this.#place = { epoch: place.epoch, position: place.position + judged.entries.length };
    if (judged.entries.length > 0) told.entries(judged.entries);
    return judged.complete;
  }

  #drop(because: string | undefined): void {
    const { captures, told } = this.#parts;
    this.#place = undefined;
    this.#applied = undefined;
    this.#confirmedAt = undefined;
    captures.clear();
    told.gap(because);
  }
}

/** A time-out or a lost connection says nothing about what the server would do: the link tells those. */
function refusalOf(error: unknown): string | undefined {
  if (error instanceof RedisError && error.code !== "HST_REDIS_REFUSED") return undefined;
  return error instanceof Error ? error.message : String(error);
}
