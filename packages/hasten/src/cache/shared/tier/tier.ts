/**
 * The tier that a cache shares with other processes: shards in Redis, a log of invalidations over
 * all of them, and what is known about how far both can be trusted.
 *
 * Invariants:
 * - Synchronous to make, and made whether Redis is there or not; no call but `increment` and `scan`
 *   rejects, and none takes longer than the time-outs of its commands.
 * - After `close` there is no socket, timer or listener of it.
 */
import type { Clock } from "../../../core/clock.ts";
import { untraced } from "../../../core/trace/index.ts";
import { instant, type Trust } from "../../../core/trust.ts";
import { publishTier } from "../../hot/tier-event.ts";
import type {
  Capture,
  Lease,
  LeaseAnswer,
  LeaveAnswer,
  LeaveRequest,
  ScanJob,
  ScanProgress,
  SharedFill,
  SharedRead,
  SharedSource,
  SharedStats,
  SharedStatus,
  SharedTier,
  SharedValue,
} from "../port.ts";
import { encodeWake } from "../protocol/log-body.ts";
import { shardOf } from "../protocol/names.ts";
import type { ConfirmAnswer } from "../protocol/types.ts";
import { EntryCalls } from "./calls.ts";
import { TierLog } from "./log.ts";
import { scan } from "./scan.ts";
import { type ShardParts, TierShard } from "./shard.ts";
import { type Left, Sources } from "./sources.ts";
import { TierCounts } from "./stats.ts";
import { statusOf } from "./status.ts";
import { Stay } from "./stay.ts";

export interface TierParts {
  readonly cache: string;
  readonly node: string;
  readonly boundMs: number;
  readonly clock: Clock;
  /** What each shard is made of. */
  readonly shards: readonly Omit<ShardParts, "node" | "clock" | "counts" | "told">[];
}

type Put = Awaited<ReturnType<SharedTier["put"]>>;

const DRAIN_MS = 1_000;

export class Tier implements SharedTier {
  readonly log: TierLog;
  readonly #parts: TierParts;
  readonly #counts = new TierCounts();
  readonly #shards: readonly TierShard[];
  readonly #entries: EntryCalls;
  readonly #sources: Sources;
  readonly #ready = new Set<() => void>();
  readonly #stay = new Stay();
  #told: SharedStatus["state"] = "connecting";
  #closing: Promise<void> | undefined;

  constructor(parts: TierParts) {
    const { cache, node, boundMs, clock } = parts;
    const counts = this.#counts;
    this.#parts = parts;
    this.#shards = parts.shards.map(
      (one, index) => new TierShard({ ...one, node, clock, counts, told: this.#toldBy(index) }),
    );
    this.log = new TierLog({ cache, node, boundMs, clock, counts, shards: this.#shards });
    this.#sources = new Sources(parts.shards.length, (redisMs) =>
      this.#shards[0]!.time.instantOf(redisMs, instant(clock)),
    );
    const shard = (key: string): TierShard => this.#shardOf(key);
    this.#entries = new EntryCalls({ node, clock, counts, log: this.log, shardOf: shard });
    untraced(() => {
      for (const one of this.#shards) one.start();
    });
  }

  get compressAboveBytes(): number | undefined {
    return this.#parts.shards[0]?.options.compressAboveBytes;
  }

  get usable(): boolean {
    for (const shard of this.#shards) if (!shard.usable) return false;
    return true;
  }

  ready(waitMs: number): Promise<boolean> {
    if (this.usable || this.#closing !== undefined) return Promise.resolve(this.usable);
    this.#stay.hold();
    return new Promise((resolve) => {
      const look = (): void => {
        this.#stay.release();
        timer.cancel();
        this.#ready.delete(look);
        resolve(this.usable);
      };
      const timer = this.#parts.clock.schedule(waitMs, look);
      this.#ready.add(look);
    });
  }

  read(key: string, declared?: readonly string[]): Promise<SharedRead> {
    return this.#entries.read(key, declared);
  }

  async readMany(keys: readonly string[]): Promise<readonly SharedRead[]> {
    const byShard = new Map<TierShard, number[]>();
    for (const [index, key] of keys.entries()) {
      const shard = this.#shardOf(key);
      const same = byShard.get(shard);
      if (same === undefined) byShard.set(shard, [index]);
      else same.push(index);
    }
    const reads: SharedRead[] = [];
    const parts = [...byShard].map(async ([shard, indexes]) => {
      const some = indexes.map((index) => keys[index]!);
      const found = await this.#entries.readMany(shard, some);
      for (const [at, index] of indexes.entries()) reads[index] = found[at]!;
    });
    await Promise.all(parts);
    return reads;
  }

  captureAt(key: string, atMs: number): Capture | undefined {
    return this.#shardOf(key).captures.at(atMs);
  }

  applied(key: string): Capture | undefined {
    return this.#shardOf(key).applied;
  }

  caughtUp(key: string, capture: Capture): Promise<boolean> {
    return this.#shardOf(key).confirmer.caughtUp(capture);
  }

  async lease(key: string, declared?: readonly string[]): Promise<LeaseAnswer> {
    const shard = this.#shardOf(key);
    if (!shard.usable) return { kind: "unavailable", because: "Redis is not to be had now" };
    const answer = await shard.leases.take(key, declared);
    if (answer.kind === "theirs") this.#counts.leaseWaits += 1;
    return answer;
  }

  fill(key: string, capture: Capture, value: SharedValue, lease?: Lease): Promise<SharedFill> {
    return this.#entries.fill(key, capture, value, lease);
  }

  put(key: string, value: SharedValue): Promise<Put> {
    return this.#entries.put(key, value);
  }

  increment(
    key: string,
    by: number,
    kept: { readonly ttlMs: number; readonly tags: readonly string[] },
  ): Promise<number> {
    return this.#entries.increment(key, by, kept);
  }

  scan(glob: string, job: ScanJob): AsyncIterable<ScanProgress> {
    return scan({ cache: this.#parts.cache, shards: this.#shards, log: this.log }, glob, job);
  }

  attach(id: string, source: SharedSource): () => void {
    return this.#sources.attach(id, source);
  }

  source(id: string): Trust | undefined {
    return this.#sources.trust(id);
  }

  async leave(source: string, request: LeaveRequest): Promise<LeaveAnswer> {
    const shard = this.#shards[0]!;
    const wake = request.wake ? encodeWake([]) : undefined;
    try {
      const answer = await shard.calls.leave({ ...request, source, wake });
      if (answer.kind !== "lost") return answer;
      void shard.confirmer.kick();
      return { kind: "unavailable", because: "the clock of Redis was lost" };
    } catch (error) {
      return { kind: "unavailable", because: this.#counts.failed(error) };
    }
  }

  status(): SharedStatus {
    return statusOf(this.#shards, this.log);
  }

  stats(): SharedStats {
    return this.#counts.snapshot();
  }

  async info(): Promise<readonly string[]> {
    const links = new Map(this.#shards.map(({ link }) => [link.server?.address, link]));
    const texts = [...links.values()].map((link) =>
      link.call(["INFO"]).then(
        (text) => [String(text)],
        () => [],
      ),
    );
    return (await Promise.all(texts)).flat();
  }

  why(key: string): ReturnType<SharedTier["why"]> {
    return this.#entries.why(key);
  }

  close(drainMs: number = DRAIN_MS): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(drainMs: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = this.#parts.clock.schedule(drainMs, late.resolve);
    // Also where Redis is away: it may be back in that time, and what it is not told then is lost.
    const told = this.#shards.filter(({ outbox }) => !outbox.empty);
    const leases = this.#shards.map((shard) => shard.leases.close());
    const drained = told.map(({ outbox }) => outbox.drained());
    await Promise.race([Promise.all([...drained, ...leases]), late.promise]);
    timer.cancel();
    this.log.end();
    await Promise.all(this.#shards.map((shard) => shard.close()));
    for (const look of [...this.#ready]) look();
    this.#stand();
  }

  #shardOf(key: string): TierShard {
    const shards = this.#shards;
    return shards.length === 1 ? shards[0]! : shards[shardOf(key, shards.length)]!;
  }

  #toldBy(index: number): ShardParts["told"] {
    return {
      entries: (entries) => this.log.receive(this.#shards[index]!, entries),
      standing: () => this.#stand(),
      confirmed: (sent, received, sources) => {
        this.log.confirm();
        const left = leftBy(sources, this.#shards[index]!.time.atLeastMs(received) ?? 0);
        this.#sources.confirmed(index, sent, received, left);
      },
      gap: (because) => {
        this.log.gap();
        this.#sources.gap();
        if (because === undefined) return;
        this.#counts.gaps += 1;
        publishTier({ cache: this.#parts.cache, kind: "gap", because });
      },
    };
  }

  /** Tells how it stands, where that has changed. */
  #stand(): void {
    if (this.#shards.length === 0) return;
    if (this.usable) for (const look of [...this.#ready]) look();
    const { state, because } = this.status();
    if (state === this.#told) return;
    this.#told = state;
    publishTier({ cache: this.#parts.cache, kind: "state", state, because });
  }
}

/** Judged by the clock of Redis at the time of the answer. */
function leftBy(sources: ConfirmAnswer["sources"], redisMs: number): ReadonlyMap<string, Left> {
  const left = new Map<string, Left>();
  for (const [id, { record, untilRedisMs }] of sources) {
    left.set(id, { record, over: redisMs >= untilRedisMs });
  }
  return left;
}
