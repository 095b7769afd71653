/**
 * Changes of a database learnt from its WAL.
 *
 * Invariants:
 * - A confirmation is the instant at which a beat was begun whose pulse is back and whose catalog
 *   poll was applied: what was acknowledged before it has been dropped here.
 * - Whatever may have missed a change ends the trust at once, for good; reading starts over with another.
 * - `settle` resolves `applied` only behind a pulse that was sent after it was called. It then suspends
 *   the ended trusts, otherwise every trust whose values may still be served, before it resolves.
 * - Nothing here runs in the context of a request: what hasten reads for itself is no read of it.
 */
import type { Timer } from "../../core/clock.ts";
import { sequence } from "../../core/sequence.ts";
import { tell } from "../../core/tell.ts";
import { untraced } from "../../core/trace/index.ts";
import { instant, type Trust } from "../../core/trust.ts";
import type { CommittedWrite } from "../coherence/source.ts";
import { reasonOf } from "../failures.ts";
import { Backoff } from "./backoff.ts";
import { Beats } from "./beats.ts";
import { type Channel, openChannel } from "./channel.ts";
import { collectTags, type Gathered } from "./gathered.ts";
import { createStreamLog, type StreamLog } from "./log.ts";
import { type ResolvedStream, resolveStream } from "./options.ts";
import { Place } from "./place.ts";
import { Rounds } from "./rounds.ts";
import { becauseOf, endsWell, stateOf } from "./state.ts";
import { notHandedOver } from "./succession.ts";
import { Trusts } from "./trusts.ts";
import type { ChangeStream, StreamEvent, StreamOptions, StreamStatus } from "./types.ts";

const SETTLE_MS = 250;

/** Makes a temporary slot and reads. Resolves once it is live, or after `startMs`; rejects when refused. */
export function openStream(options: StreamOptions): Promise<ChangeStream> {
  return untraced(async () => {
    const stream = new Stream(resolveStream(options));
    await stream.begin();
    return stream;
  });
}

class Stream implements ChangeStream {
  readonly promise = "stream";
  readonly log: StreamLog;
  readonly #options: ResolvedStream;
  readonly #polls: Rounds<void>;
  readonly #beats: Beats;
  readonly #backoff = new Backoff();
  readonly #trusts: Trusts;
  #channel: Channel | undefined;
  #live = false;
  #closed = false;
  readonly #place = new Place();
  #unmappedSeq = 0;
  #timer: Timer | undefined;
  #attempting: Promise<boolean> | undefined;
  #because: string | undefined = "it was not connected yet";
  #failure: unknown;
  #lastError: string | undefined;
  #waitsFor: readonly string[] = [];
  readonly #counts = { transactions: 0, rows: 0, droppedTags: 0, messages: 0, pulses: 0, gaps: 0 };

  constructor(options: ResolvedStream) {
    this.#options = options;
    this.#trusts = new Trusts(options);
    this.log = createStreamLog(options.node, options.clock, () => this.trust);
    this.#polls = new Rounds(() => this.#poll());
    this.#beats = new Beats({
      ...options,
      trust: () => this.trust,
      poll: () => this.#polls.ask(),
      begins: () => this.#place.begins(),
      onUnread: (error) => {
        this.#lastError = `the catalog could not be read: ${reasonOf(error)}`;
      },
    });
  }

  get trust(): Trust {
    return this.#trusts.current;
  }

  get unmappedSeq(): number {
    return this.#unmappedSeq;
  }

  get position(): string {
    return this.#place.forReplicas;
  }

  async begin(): Promise<void> {
    const { clock, startMs } = this.#options;
    const enough = Promise.withResolvers<boolean>();
    const timer = clock.schedule(startMs, () => enough.resolve(true));
    const first = this.#attempt();
    if (await Promise.race([first, enough.promise]).finally(() => timer.cancel())) return;
    await this.close();
    throw this.#failure ?? new Error("the stream was lost while it started");
  }

  status(): StreamStatus {
    const ageMs = this.trust.ageMs();
    const state = stateOf({
      closed: this.#closed,
      connected: this.#channel !== undefined,
      live: this.#live,
      trust: this.trust,
      maxLagMs: this.#options.maxLagMs,
    });
    const { pulses, parked, session } = this.#channel ?? {};
    return {
      state,
      because: becauseOf(state, this.#because),
      slot: session?.slot,
      position: this.#place.applied,
      confirmedAgoMs: Number.isFinite(ageMs) ? ageMs : undefined,
      lagMs: pulses?.lagMs,
      waitsFor: this.#waitsFor,
      lastError: this.#lastError,
      counts: {
        ...this.#counts,
        rows: this.#counts.rows + (session?.decoder.rows ?? 0),
        pulses: this.#counts.pulses + (pulses?.count ?? 0),
        gathering: session?.decoder.gathering ?? 0,
        parked: parked?.size ?? 0,
        queued: this.log.depth,
      },
    };
  }

  settle(write: CommittedWrite): Promise<"applied" | "queued"> {
    const { clock } = this.#options;
    const at = instant(clock);
    return untraced(async () => {
      const enough = Promise.withResolvers<boolean>();
      const timer = clock.schedule(SETTLE_MS, () => enough.resolve(false));
      const applied = await Promise.race([this.#live && this.#barrier(write), enough.promise]);
      timer.cancel();
      if (applied) this.#trusts.suspendRetired(at);
      else this.#trusts.suspend(at);
      return applied ? "applied" : "queued";
    });
  }

  beat(): Promise<boolean> {
    return untraced(() => this.#beats.now());
  }

  handOver(): Promise<void> {
    return untraced(async () => {
      if (!this.#live || this.#channel === undefined) throw notHandedOver("it is not live");
      const rows = this.#channel.session?.decoder.rows ?? 0;
      await this.#channel.handOver();
      this.#counts.rows += rows;
      this.#tell("handed-over", "a second slot took over");
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#live = false;
    this.#timer?.cancel();
    this.#beats.stop();
    this.#trusts.end();
    // Own writes are told to something else from now on: what lives on by its bound is not fresh.
    this.#trusts.suspend(instant(this.#options.clock));
    this.log.use(undefined, 0);
    await this.#channel?.close();
    await this.#attempting?.catch(() => undefined);
    this.#because = "it was closed";
    this.#tell("closed", this.#because);
  }

  /** Connects and starts; true once live. What fails leads to the next attempt, but for the first. */
  #attempt(): Promise<boolean> {
    this.#attempting = this.#connect().finally(() => {
      this.#attempting = undefined;
    });
    return this.#attempting;
  }

  async #connect(): Promise<boolean> {
    this.#tell("connecting", "opens its connections");
    try {
      const channel = await openChannel(this.#options, {
        onVisible: (visible) => this.#apply(visible),
        onMessage: (content) => this.#message(content),
        onBarrier: (content) => this.#options.onBarrier?.(content),
        onMissed: () => this.#distrust(),
        onWait: (xids) => {
          this.#waitsFor = xids;
        },
        onLost: (error) => this.#lose(error),
      });
      if (this.#closed || channel.over) {
        await channel.close();
        return false;
      }
      this.#channel = channel;
      this.#tell("starting", "waits for transactions that were running");
      if (!(await channel.start()) || this.#closed) return false;
      await this.#becomeLive(channel);
      return this.#live;
    } catch (error) {
      this.#lose(error as Error);
      return false;
    }
  }

  /** Resolves behind the first beat. */
  #becomeLive(channel: Channel): Promise<void> {
    this.#live = true;
    this.#because = undefined;
    this.#waitsFor = [];
    this.#backoff.reset();
    this.#trusts.renew();
    this.log.use(channel.links.speaker, channel.links.serverVersion);
    this.#tell("live", `slot ${channel.session?.slot}`);
    return this.#beats.start(channel.pulses);
  }

  /** What was read so far is not fresh from now on; what is read from now on is. */
  #distrust(): void {
    this.#place.lose();
    this.#trusts.suspend(instant(this.#options.clock));
    this.#trusts.end();
    this.#trusts.renew();
    this.#counts.gaps += 1;
    this.#tell("gap", "a transaction ended that the slot came too late for");
    this.#tell("live", `slot ${this.#channel?.session?.slot}`);
  }

  #lose(error: Error): void {
    if (this.#closed) return;
    const wasLive = this.#live;
    this.#failure = error;
    this.#lastError = reasonOf(error);
    this.#because = this.#lastError;
    this.#live = false;
    this.#timer?.cancel();
    this.#beats.stop();
    this.log.use(undefined, 0);
    this.#place.lose();
    this.#trusts.end();
    if (wasLive) this.#counts.gaps += 1;
    this.#tell("gap", this.#lastError);
    const old = this.#channel;
    this.#channel = undefined;
    this.#counts.rows += old?.session?.decoder.rows ?? 0;
    this.#counts.pulses += old?.pulses.count ?? 0;
    const closing = old?.close();
    this.#timer = this.#options.clock.schedule(this.#backoff.delayMs(), () => {
      void Promise.resolve(closing).then(() => (this.#closed ? undefined : this.#attempt()));
    });
  }

  #apply(visible: readonly Gathered[]): void {
    const tags = new Set<string>();
    let unmapped = false;
    for (const gathered of visible) {
      if (collectTags(gathered, this.#options.interest, tags)) unmapped = true;
      this.#place.reach(gathered.end);
    }
    if (unmapped) this.#unmappedSeq = sequence.next();
    this.#counts.transactions += visible.length;
    this.#counts.droppedTags += tags.size;
    if (tags.size > 0)
      this.#options.drop([...tags], `a change committed by ${this.#place.applied}`);
    for (const content of visible.flatMap(({ messages }) => messages)) this.#message(content);
  }

  #message(content: string): void {
    this.#counts.messages += 1;
    this.log.receive(content);
  }

  /** Everything acknowledged before it was called has been applied. */
  async #barrier(write: CommittedWrite): Promise<boolean> {
    const channel = this.#channel;
    if (channel === undefined) return false;
    const meanings = write.changesSchema ? endsWell(this.#polls.ask()) : true;
    const { back } = await channel.pulses.ask();
    return (await back) && (await meanings);
  }

  async #poll(): Promise<void> {
    const tags = await this.#options.poll();
    if (tags.length === 0) return;
    // The WAL does not tell where.
    this.#place.lose();
    this.#options.drop(tags, "a changed table, view or function");
  }

  #tell(kind: StreamEvent["kind"], detail: string): void {
    tell(this.#options.onEvent, { kind, detail });
  }
}
