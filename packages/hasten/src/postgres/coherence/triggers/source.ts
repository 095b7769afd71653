/**
 * Changes learnt from the log that triggers fill.
 *
 * Invariants:
 * - A confirmation is the instant at which a read of the log was sent whose answer, and that of the
 *   catalog poll sent after it, have been applied.
 * - Whatever keeps a read from answering is a gap: its trust ends, and reading starts over.
 * - `settle` waits for a read that began after it was called; reads are shared by all that wait.
 * - One loop, one timer, one read under way.
 */
import type { Clock, Timer } from "../../../core/clock.ts";
import type { InvalidationLog } from "../../../core/invalidation-log.ts";
import { sequence } from "../../../core/sequence.ts";
import { type Instant, instant, Trust } from "../../../core/trust.ts";
import { reasonOf } from "../../failures.ts";
import type { Interest } from "../../statements/interest.ts";
import type { Direct } from "../direct.ts";
import type { ChangeSource, DropTags } from "../source.ts";
import { createTableLog, type TableLog } from "./log.ts";
import { type ChangeReader, createChangeReader, type LoggedChanges } from "./reader.ts";

export interface TriggersOptions {
  readonly direct: Direct;
  /** This process, among those that write messages to the log. */
  readonly node: string;
  readonly interest: Interest;
  /** Looks for changed meanings: gives the tags to drop. */
  readonly poll: () => Promise<readonly string[]>;
  readonly drop: DropTags;
  readonly boundMs: number;
  readonly heartbeatMs: number;
  readonly maxLagMs: number;
  readonly clock: Clock;
}

export interface TriggersSource extends ChangeSource {
  readonly trust: Trust;
  readonly log: InvalidationLog;
  status(): { readonly state: "live" | "late" | "lost"; readonly because: string | undefined };
}

const SETTLE_MS = 250;
const RESTART_MS = 250;

/** Rejects when the log cannot be read at all. */
export async function openTriggers(options: TriggersOptions): Promise<TriggersSource> {
  const source = new Polling(options);
  await source.begin();
  return source;
}

class Polling implements TriggersSource {
  readonly promise = "triggers";
  readonly position = "0/0";
  readonly log: InvalidationLog;
  readonly #options: TriggersOptions;
  readonly #reader: ChangeReader;
  readonly #messages: TableLog;
  #trust: Trust;
  /** Ended ones whose values may still be within their bound. */
  #retired: { readonly trust: Trust; readonly atMs: number }[] = [];
  #unmappedSeq = 0;
  #because: string | undefined;
  #timer: Timer | undefined;
  #beating: Promise<boolean> | undefined;
  #following: Promise<boolean> | undefined;
  #gap = true;
  #closed = false;

  constructor(options: TriggersOptions) {
    this.#options = options;
    const { direct, node, clock } = options;
    this.#reader = createChangeReader(direct, node, clock);
    this.#trust = this.#newTrust();
    this.#messages = createTableLog(options, () => this.#trust);
    this.log = this.#messages.log;
  }

  get trust(): Trust {
    return this.#trust;
  }

  get unmappedSeq(): number {
    return this.#unmappedSeq;
  }

  status(): ReturnType<TriggersSource["status"]> {
    const { maxLagMs } = this.#options;
    if (!this.#gap && this.#trust.confirmed) return { state: "live", because: undefined };
    const because = this.#because ?? "the change log was not read in time";
    return { state: this.#gap || this.#trust.ageMs() > maxLagMs ? "lost" : "late", because };
  }

  async begin(): Promise<void> {
    const at = instant(this.#options.clock);
    await this.#reader.start();
    this.#gap = false;
    this.#because = undefined;
    if (this.#trust.ended) this.#renew();
    this.#trust.confirm(at);
    this.#messages.resume();
    this.#plan(this.#options.heartbeatMs);
  }

  async settle(): Promise<"applied" | "queued"> {
    const { clock } = this.#options;
    const enough = Promise.withResolvers<false>();
    const timer = clock.schedule(SETTLE_MS, () => enough.resolve(false));
    const applied = !this.#gap && (await Promise.race([this.#nextBeat(), enough.promise]));
    timer.cancel();
    if (applied) return "applied";
    this.#suspend();
    return "queued";
  }

  #suspend(): void {
    const now = instant(this.#options.clock);
    this.#trust.suspend(now);
    for (const { trust } of this.#retired) trust.suspend(now);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#trust.end();
    // Own writes are told to something else from now on: what lives on by its bound is not fresh.
    this.#suspend();
    this.#messages.close();
    await this.#following;
    await this.#beating;
  }

  /** A beat that begins from now on; shared. */
  #nextBeat(): Promise<boolean> {
    if (this.#beating === undefined) return this.#beat();
    this.#following ??= this.#beating.then(() => {
      this.#following = undefined;
      return this.#beat();
    });
    return this.#following;
  }

  #beat(): Promise<boolean> {
    if (this.#beating !== undefined) return this.#beating;
    if (this.#closed || this.#gap) return Promise.resolve(false);
    this.#timer?.cancel();
    this.#beating = this.#look().finally(() => {
      this.#beating = undefined;
      if (!this.#gap) this.#plan(this.#options.heartbeatMs);
    });
    return this.#beating;
  }

  async #look(): Promise<boolean> {
    const { clock, poll, drop } = this.#options;
    const at: Instant = instant(clock);
    try {
      const reading = this.#reader.read();
      const [changes, meanings] = await Promise.all([reading, poll()]);
      if (this.#closed) return false;
      drop(meanings, "a changed table, view or function");
      this.#apply(changes);
      this.#trust.confirm(at);
      await this.#reader.prune();
      return true;
    } catch (error) {
      this.#lose(error);
      return false;
    }
  }

  #apply({ relations, messages }: LoggedChanges): void {
    const { interest, drop } = this.#options;
    const tags = new Set<string>();
    for (const oid of relations) {
      const interests = interest.of(oid);
      if (interests === undefined) this.#unmappedSeq = sequence.next();
      for (const { tableTag, broadTag } of interests ?? []) tags.add(tableTag).add(broadTag);
    }
    if (tags.size > 0) drop([...tags], "a change in the change log");
    this.#messages.receive(messages);
  }

  #lose(error: unknown): void {
    if (this.#closed || this.#gap) return;
    this.#gap = true;
    this.#because = `the change log could not be read: ${reasonOf(error)}`;
    this.#trust.end();
    this.#restart();
  }

  /** The one before may have been taken for values until now. */
  #renew(): void {
    const { clock, boundMs } = this.#options;
    const nowMs = clock.nowMs();
    this.#retired = this.#retired.filter(({ atMs }) => nowMs - atMs <= boundMs);
    this.#retired.push({ trust: this.#trust, atMs: nowMs });
    this.#trust = this.#newTrust();
  }

  #restart(): void {
    this.#timer = this.#options.clock.schedule(RESTART_MS, () => {
      if (this.#closed) return;
      this.begin().catch((error: unknown) => {
        this.#because = `the change log could not be read: ${reasonOf(error)}`;
        if (!this.#closed) this.#restart();
      });
    });
  }

  #plan(delayMs: number): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.schedule(delayMs, () => void this.#beat());
  }

  #newTrust(): Trust {
    return new Trust("triggers", this.#options.boundMs, this.#options.clock);
  }
}
