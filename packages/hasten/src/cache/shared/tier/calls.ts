/**
 * The calls of the tier that concern one entry.
 *
 * Invariants: none rejects (but `increment`), none is sent twice, and each ends with the time-out
 * of its commands. A fill or a put that Redis was not asked for says so.
 */
import type { Clock } from "../../../core/clock.ts";
import { notNumber } from "../../errors.ts";
import { FORM_JSON } from "../../wire/form.ts";
import type { Lease, SharedFill, SharedRead, SharedTier, SharedValue } from "../port.ts";
import { encodeInvalidated, encodeWake } from "../protocol/log-body.ts";
import type { FillAnswer, ReadAnswer } from "../protocol/types.ts";
import { counterFailed, counterUnavailable } from "./errors.ts";
import { kept } from "./filling.ts";
import type { TierLog } from "./log.ts";
import type { TierShard } from "./shard.ts";
import type { TierCounts } from "./stats.ts";
import { stateOf } from "./status.ts";
import { Ticket } from "./ticket.ts";

export interface EntryParts {
  readonly node: string;
  readonly clock: Clock;
  readonly counts: TierCounts;
  readonly log: TierLog;
  readonly shardOf: (key: string) => TierShard;
}

type Put = Awaited<ReturnType<SharedTier["put"]>>;
type Counter = Parameters<SharedTier["increment"]>[2];
const NONE: readonly string[] = [];
const TOO_LARGE = "too large";

export class EntryCalls {
  readonly #parts: EntryParts;

  constructor(parts: EntryParts) {
    this.#parts = parts;
  }

  read(key: string, declared: readonly string[] | undefined): Promise<SharedRead> {
    const { shardOf, clock } = this.#parts;
    const shard = shardOf(key);
    if (!shard.usable) return Promise.resolve(this.#away(shard));
    const { calls } = shard;
    const startedMs = clock.nowMs();
    const answer = declared === undefined ? calls.readFull(key) : calls.readDeclared(key, declared);
    return answer.then(
      (found) =>
        found.kind === "undeclared"
          ? this.#readFully(shard, key, declared, startedMs)
          : this.judged(shard, key, found, startedMs),
      (error: unknown) => this.unread(error),
    );
  }

  judged(shard: TierShard, key: string, found: ReadAnswer, startedMs: number): SharedRead {
    const { counts, clock } = this.#parts;
    counts.readMs.record(clock.nowMs() - startedMs);
    const read = shard.reading.judge(key, found);
    if (read.kind === "unavailable") counts.unavailable += 1;
    else if (read.kind === "absent") counts.misses += 1;
    else counts.hits += 1;
    if (found.kind === "found") counts.bytesRead += found.bytes;
    else if (found.kind === "absent" && found.undecodable) counts.undecodable += 1;
    return read;
  }

  /** Its entry has tags that were not declared. */
  async #readFully(
    shard: TierShard,
    key: string,
    declared: readonly string[] | undefined,
    startedMs: number,
  ): Promise<SharedRead> {
    try {
      const whole = await shard.calls.readFull(key, declared);
      return this.judged(shard, key, whole, startedMs);
    } catch (error) {
      return this.unread(error);
    }
  }

  unread(error: unknown): SharedRead {
    const { counts } = this.#parts;
    counts.unavailable += 1;
    return { kind: "unavailable", because: counts.failed(error) };
  }

  /** Several of one shard. */
  async readMany(shard: TierShard, keys: readonly string[]): Promise<readonly SharedRead[]> {
    if (!shard.usable) return keys.map(() => this.#away(shard));
    const startedMs = this.#parts.clock.nowMs();
    try {
      const answers = await shard.calls.readMany(keys);
      return await Promise.all(
        answers.map((found, index) => {
          const key = keys[index]!;
          return found.kind === "undeclared"
            ? this.read(key, undefined)
            : this.judged(shard, key, found, startedMs);
        }),
      );
    } catch (error) {
      return keys.map(() => this.unread(error));
    }
  }

  async fill(
    key: string,
    capture: { readonly epoch: string; readonly seq: number },
    value: SharedValue,
    lease: Lease | undefined,
  ): Promise<SharedFill> {
    const { shardOf, counts, clock } = this.#parts;
    const shard = shardOf(key);
    const entry = shard.usable ? kept(value, shard.time, clock) : undefined;
    if (entry === undefined) {
      lease?.release();
      return { kind: "unknown", because: `not sent: ${this.#why(shard)}` };
    }
    if (!shard.carries(value)) {
      counts.refusedFills += 1;
      lease?.release();
      return { kind: "unknown", because: TOO_LARGE };
    }
    const startedMs = clock.nowMs();
    try {
      const holder = lease?.holder;
      const wake = encodeWake([key]);
      const answer = await shard.calls.fill({ key, capture, ...entry, holder, wake });
      counts.writeMs.record(clock.nowMs() - startedMs);
      if (lease !== undefined) shard.leases.ended(lease);
      return this.#filled(shard, value, answer);
    } catch (error) {
      lease?.release();
      return { kind: "unknown", because: counts.failed(error) };
    }
  }

  async put(key: string, value: SharedValue): Promise<Put> {
    const { shardOf, node, clock, counts, log } = this.#parts;
    const shard = shardOf(key);
    const ticket = new Ticket(1, clock);
    const entry = shard.carries(value) ? kept(value, shard.time, clock) : undefined;
    const named = { how: "deleted" as const, keys: [key], tags: NONE, prefixes: NONE };
    counts.invalidations += 1;
    shard.heard(named.keys);
    if (entry === undefined) shard.outbox.publish(named, ticket);
    else {
      counts.bytesWritten += value.payload.bytes.length;
      shard.outbox.put({ key, ...entry, body: encodeInvalidated(node, named) }, ticket);
    }
    return await log.outcome(ticket);
  }

  async increment(key: string, by: number, counter: Counter): Promise<number> {
    const { shardOf, node, clock, counts } = this.#parts;
    const shard = shardOf(key);
    const named = { how: "deleted" as const, keys: [key], tags: NONE, prefixes: NONE };
    const entry = kept(counterValue(by, counter, clock), shard.time, clock);
    if (!shard.usable || entry === undefined) throw counterUnavailable(key, this.#why(shard));
    if (shard.outbox.cover({ key, tags: counter.tags, prefixes: NONE }) !== undefined) {
      throw counterUnavailable(key, "an invalidation of it is not acknowledged yet.");
    }
    const body = encodeInvalidated(node, named);
    const answer = await shard.calls.increment({ key, by, ...entry, body }).catch((error) => {
      throw counterFailed(key, counts.failed(error), error);
    });
    if (answer.kind === "notNumber") throw notNumber(key);
    shard.taken(answer);
    return answer.value;
  }

  async why(key: string): ReturnType<SharedTier["why"]> {
    const shard = this.#parts.shardOf(key);
    if (!shard.usable) return { state: "unavailable", because: this.#why(shard) };
    try {
      const read = shard.reading.judge(key, await shard.calls.readFull(key));
      if (read.kind !== "found") {
        const { kind, because } = read;
        if (kind === "unavailable") return { state: kind, because };
        return { state: because === "not stored" ? kind : "invalid", because };
      }
      const { seq, expired } = read.entry;
      if (read.fresh === true) return { state: "fresh", because: `its number is ${seq}` };
      return { state: "stale", because: expired ? "expired" : "its time is over" };
    } catch (error) {
      return { state: "unavailable", because: this.#parts.counts.failed(error) };
    }
  }

  #filled(shard: TierShard, value: SharedValue, answer: FillAnswer): SharedFill {
    const { counts } = this.#parts;
    if (answer.kind === "stored") {
      counts.fills += 1;
      counts.bytesWritten += value.payload.bytes.length;
      return { kind: "stored" };
    }
    counts.refusedFills += 1;
    if (answer.because === "lost") void shard.confirmer.kick();
    // Going round again would not help.
    if (answer.because === TOO_LARGE) return { kind: "unknown", because: answer.because };
    return { kind: "refused", because: answer.because };
  }

  #away(shard: TierShard): SharedRead {
    this.#parts.counts.unavailable += 1;
    return { kind: "unavailable", because: this.#why(shard) };
  }

  #why(shard: TierShard): string {
    if (shard.outbox.everything) return "that everything is void waits to be told to Redis";
    return shard.link.state.because ?? shard.confirmer.because ?? stateOf(shard);
  }
}

/** What a counter that is not there begins as. */
function counterValue(by: number, { ttlMs, tags }: Counter, clock: Clock): SharedValue {
  const payload = { form: FORM_JSON, bytes: Buffer.from(JSON.stringify(by)) };
  const times = { ttlMs, graceMs: 0, loadMs: 0 };
  const captured = { capturedMs: clock.nowMs(), capturedWallMs: clock.wallMs() };
  return { payload, tags, ...times, ...captured, dependency: undefined };
}
