/**
 * A world in small for `postgres/leader`: the real follower, candidate and feeder of several
 * processes, with a Redis, a database and a stream that do what the real ones may do, at times drawn
 * at random: late answers, lost connections, stopped and killed processes, a flushed Redis.
 *
 * Every process caches the one row that is written, in its memory and in Redis, and serves what its
 * trust holds for. A value is stale if a newer version was acknowledged more than `boundMs` before it
 * was served, or any newer one of the same process.
 */

import type { LeaveAnswer, LeaveRequest, SharedSource } from "../../../src/cache/shared/port.ts";
import { type Clock, type ManualClock, manualClock } from "../../../src/core/clock.ts";
import type { LoggedInvalidation } from "../../../src/core/invalidation-log.ts";
import { instant, Trust } from "../../../src/core/trust.ts";
import { Candidate } from "../../../src/postgres/leader/candidate.ts";
import { Follower } from "../../../src/postgres/leader/follower.ts";
import type {
  LeaderMutant,
  LedHooks,
  LedSource,
  SourceTier,
} from "../../../src/postgres/leader/types.ts";
import { randomOf } from "./random.ts";

export const BOUND_MS = 500;
const LEASE_MS = 2_000;
const TAG = "sql:d:s.t";
const SOURCE = "sql:d";

interface Commit {
  readonly version: number;
  readonly atMs: number;
}

interface SharedValue {
  readonly version: number;
  readonly source: string;
  readonly capturedMs: number;
}

/** All that lies in Redis. */
class FakeRedis {
  epoch = 1;
  head = 0;
  log: { readonly node: string; readonly tags: readonly string[] }[] = [];
  record: { readonly text: string; readonly untilMs: number } | undefined;
  value: (SharedValue & { readonly seq: number }) | undefined;
  /** Of the latest invalidation. */
  marked = 0;
  seq = 0;

  flush(): void {
    this.epoch += 1;
    this.head = 0;
    this.log = [];
    this.record = undefined;
    this.value = undefined;
  }

  append(node: string, tags: readonly string[]): void {
    this.head += 1;
    this.seq += 1;
    this.log.push({ node, tags });
    if (tags.length === 0) return;
    this.marked = this.seq;
    this.value = undefined;
  }

  leave(nowMs: number, request: LeaveRequest): LeaveAnswer {
    const { expected, record, leaseMs, onlyIfOver, wake } = request;
    const over = this.record === undefined || nowMs >= this.record.untilMs;
    if (this.record?.text !== expected || (onlyIfOver && !over))
      return { kind: "other", record: this.record?.text, over };
    this.record = record === undefined ? undefined : { text: record, untilMs: nowMs + leaseMs };
    if (wake) this.append("", []);
    return { kind: "left" };
  }
}

export class Model {
  readonly clock: ManualClock = manualClock();
  readonly redis = new FakeRedis();
  readonly random: () => number;
  readonly mutant: LeaderMutant | undefined;
  readonly commits: Commit[] = [{ version: 0, atMs: 0 }];
  readonly stale: string[] = [];
  readonly streams = new Set<FakeStream>();
  version = 0;
  /** Changes of meaning: the catalog's version in the database. */
  schema = 0;
  redisDown = false;
  hits = 0;
  reads = 0;
  processes: Process[] = [];
  #born = 0;

  constructor(seed: number, mutant?: LeaderMutant) {
    this.random = randomOf(seed);
    this.mutant = mutant;
  }

  between(low: number, high: number): number {
    return low + this.random() * (high - low);
  }

  start(): Process {
    this.#born += 1;
    const born = new Process(this, `p${this.#born}`);
    this.processes.push(born);
    return born;
  }

  /** Visible and acknowledged from now on. */
  commit(): number {
    this.version += 1;
    this.commits.push({ version: this.version, atMs: this.clock.nowMs() });
    for (const stream of this.streams) stream.committed();
    return this.version;
  }

  /** The newest version that everybody must see. */
  required(): number {
    const limitMs = this.clock.nowMs() - BOUND_MS;
    return this.commits.findLast(({ atMs }) => atMs < limitMs)?.version ?? 0;
  }
}

/** The WAL as one leader reads it. */
class FakeStream implements LedSource {
  trust: Trust;
  live = true;
  readonly waits = false;
  readonly position = "0/0";
  readonly #model: Model;
  readonly owner: Process;
  readonly #hooks: LedHooks;
  #dropped: number;
  #looked: number;

  constructor(model: Model, process: Process, hooks: LedHooks) {
    this.#model = model;
    this.owner = process;
    this.#hooks = hooks;
    this.#dropped = model.version;
    this.#looked = model.schema;
    this.trust = new Trust("stream", BOUND_MS, process.clock);
    model.streams.add(this);
  }

  get version(): number {
    return this.#looked;
  }

  get schema(): string {
    return String(this.#looked);
  }

  async look(): Promise<void> {
    await this.owner.sleep(1, 5);
    this.#looked = this.#model.schema;
  }

  committed(): void {
    void this.owner.sleep(1, 80).then(() => this.#drop(this.#model.version));
  }

  async beat(): Promise<boolean> {
    const { trust } = this;
    const seen = this.#model.version;
    const schema = this.#model.schema;
    await this.owner.sleep(1, 40);
    if (!this.live || this.trust !== trust) return false;
    this.#drop(seen);
    this.#looked = Math.max(this.#looked, schema);
    return true;
  }

  async barrier(content: string): Promise<void> {
    const seen = this.#model.version;
    await this.owner.sleep(1, 40);
    if (!this.live) return;
    this.#drop(seen);
    this.#hooks.onBarrier(content);
  }

  /** The connection is lost; what is committed until it is back is never told. */
  async lose(): Promise<void> {
    if (!this.live) return;
    this.live = false;
    this.trust.end();
    await this.owner.sleep(20, 600);
    this.#dropped = this.#model.version;
    this.trust = new Trust("stream", BOUND_MS, this.owner.clock);
    this.live = this.#model.streams.has(this);
  }

  async close(): Promise<void> {
    this.live = false;
    this.trust.end();
    this.#model.streams.delete(this);
  }

  #drop(version: number): void {
    if (!this.live || version <= this.#dropped) return;
    this.#dropped = version;
    this.#hooks.drop([TAG]);
  }
}

/** One process with its tier, its caches and what it served. */
export class Process {
  readonly node: string;
  readonly clock: Clock;
  readonly follower: Follower;
  readonly candidate: Candidate;
  readonly #model: Model;
  readonly #sources = new Map<string, SharedSource>();
  readonly #subscribers = new Set<(invalidation: LoggedInvalidation) => void>();
  #logTrust: Trust;
  #place: { epoch: number; position: number } | undefined;
  #local:
    | { readonly version: number; readonly capturedMs: number; readonly trust: Trust }
    | undefined;
  /** Counts the drops: what was read before one is not kept after it. */
  #drops = 0;
  /** Until then nothing happens in it. */
  #stoppedUntilMs = 0;
  #dead = false;
  #wrote = 0;

  constructor(model: Model, node: string) {
    this.#model = model;
    this.node = node;
    this.clock = { ...model.clock, schedule: (delayMs, run) => this.#schedule(delayMs, run) };
    this.#logTrust = new Trust("stream", BOUND_MS, this.clock);
    const tier = this.#tier();
    const { clock } = this;
    const { mutant } = model;
    const drop = (): void => {
      this.#drops += 1;
      this.#local = undefined;
    };
    this.candidate = new Candidate({
      ...{ tier, source: SOURCE, node, clock, log: tier.log, drop, mutant },
      leaseMs: LEASE_MS,
      beatMs: BOUND_MS / 4,
      open: async (hooks) => {
        await this.sleep(20, 200);
        const stream = new FakeStream(model, this, hooks);
        return { source: stream, catalog: stream };
      },
    });
    this.follower = new Follower({
      ...{ tier, source: SOURCE, node, clock, drop, mutant },
      boundMs: BOUND_MS,
      maxLagMs: 2_000,
      audience: { has: () => true },
      poll: async () => {
        await this.sleep(1, 10);
        return [];
      },
      emit: async (content) => {
        await this.sleep(1, 10);
        for (const stream of model.streams) void stream.barrier(content);
      },
      onWord: (word) => this.candidate.heard(word),
    });
    this.#confirmEvery();
  }

  get dead(): boolean {
    return this.#dead;
  }

  sleep(low: number, high: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.schedule(this.#model.between(low, high), resolve);
    });
  }

  stop(forMs: number): void {
    this.#stoppedUntilMs = this.#model.clock.nowMs() + forMs;
  }

  kill(): void {
    this.#dead = true;
    for (const stream of this.#model.streams)
      if (stream.owner === this) this.#model.streams.delete(stream);
  }

  /** Serves the row: from memory, from Redis, or from the database. */
  serve(): void {
    const model = this.#model;
    if (this.#dead || model.clock.nowMs() < this.#stoppedUntilMs) return;
    const nowMs = this.clock.nowMs();
    model.reads += 1;
    const wall = (ms: number): number => this.clock.wallMs() - (nowMs - ms);
    const kept = this.#local;
    if (
      kept?.trust.holds(kept.capturedMs, wall(kept.capturedMs)) &&
      this.#logTrust.holds(kept.capturedMs, wall(kept.capturedMs))
    ) {
      model.hits += 1;
      this.#judge(kept.version, "memory");
      return;
    }
    void this.#load();
  }

  async write(): Promise<void> {
    if (this.#dead || this.#model.clock.nowMs() < this.#stoppedUntilMs) return;
    const version = this.#model.commit();
    await this.follower.settle({ tags: [], complete: true, changesSchema: false });
    if (!this.#dead) this.#wrote = Math.max(this.#wrote, version);
  }

  /** Reads Redis, then the database; keeps what it found unless something was dropped meanwhile. */
  async #load(): Promise<void> {
    const model = this.#model;
    const { redis } = model;
    const drops = this.#drops;
    const { trust } = this.follower;
    const capturedMs = this.clock.nowMs();
    const seq = model.redisDown ? Number.NaN : redis.seq;
    const { epoch } = redis;
    await this.sleep(0, 3);
    const found = model.redisDown ? undefined : redis.value;
    await this.sleep(0, 3);
    const shared = found && this.#sources.get(found.source)?.trust();
    if (found !== undefined && shared !== undefined) {
      const age = this.clock.nowMs() - found.capturedMs;
      if (shared.holds(found.capturedMs, this.clock.wallMs() - age)) {
        if (this.#drops === drops) this.#keep(found.version, found.capturedMs, shared);
        return;
      }
    }
    const { version } = model;
    await this.sleep(0, 30);
    if (this.#dead) return;
    // FILL: refused if the tag was marked since the capture.
    if (
      !model.redisDown &&
      redis.epoch === epoch &&
      redis.marked <= seq &&
      trust.shared !== undefined
    )
      redis.value = { version, source: trust.shared, capturedMs, seq };
    else if (!model.redisDown) return;
    if (this.#drops === drops) this.#keep(version, capturedMs, trust);
  }

  #keep(version: number, capturedMs: number, trust: Trust): void {
    this.#local = { version, capturedMs, trust };
  }

  #judge(version: number, where: string): void {
    const required = Math.max(this.#model.required(), this.#wrote);
    if (version < required)
      this.#model.stale.push(
        `${this.node} ${where}: ${version} < ${this.#model.required()}/${this.#wrote} at ${this.clock.nowMs()} kept ${JSON.stringify({ c: this.#local?.capturedMs, age: this.#local?.trust.ageMs(), t: this.#local?.trust.shared, ended: this.#local?.trust.ended, cur: this.follower.trust.shared, leads: this.candidate.leads, stopped: this.#stoppedUntilMs, commits: this.#model.commits.slice(-3) })}`,
      );
  }

  #schedule(delayMs: number, run: () => void): { cancel(): void } {
    const { clock } = this.#model;
    let timer = clock.schedule(delayMs, () => {
      if (this.#dead) return;
      const restMs = this.#stoppedUntilMs - clock.nowMs();
      if (restMs <= 0) run();
      else timer = this.#schedule(restMs, run);
    });
    return { cancel: () => timer.cancel() };
  }

  #confirmEvery(): void {
    this.clock.schedule(BOUND_MS / 4, () => this.#confirmEvery());
    void this.#confirm();
  }

  async #confirm(): Promise<void> {
    const { redis } = this.#model;
    const sent = instant(this.clock);
    await this.sleep(0, 10);
    if (this.#model.redisDown) return;
    const { epoch, head } = redis;
    const { record } = redis;
    const over = record === undefined || this.#model.clock.nowMs() >= record.untilMs;
    const from = this.#place;
    const entries = redis.log.slice(from?.position ?? 0);
    await this.sleep(0, 10);
    // Another answer came first, with more.
    if (this.#place !== from) return;
    if (from === undefined || from.epoch !== epoch) {
      this.#logTrust.end();
      this.#logTrust = new Trust("stream", BOUND_MS, this.clock);
      this.#deliver("cleared", []);
      this.#local = undefined;
      this.#drops += 1;
    } else
      for (const { node, tags } of entries)
        if (node !== this.node && tags.length > 0) this.#deliver("deleted", tags);
    this.#place = { epoch, position: head };
    this.#logTrust.confirm(sent);
    for (const source of [...this.#sources.values()])
      source.heard?.({ record: record?.text, over, askedAt: sent, instantOf: () => sent });
  }

  #deliver(how: "deleted" | "cleared", tags: readonly string[]): void {
    for (const apply of this.#subscribers) apply({ cache: "c", how, keys: [], tags, prefixes: [] });
  }

  #tier(): SourceTier {
    const model = this.#model;
    const self = this;
    return {
      attach: (id, source) => {
        this.#sources.set(id, source);
        return () => void this.#sources.delete(id);
      },
      leave: async (_, request) => {
        await this.sleep(0, 10);
        if (model.redisDown) return { kind: "unavailable", because: "down" };
        const answer = model.redis.leave(model.clock.nowMs(), request);
        if (request.wake) for (const it of model.processes) if (it.#awake) void it.#confirm();
        await this.sleep(0, 10);
        return model.random() < 0.01 ? { kind: "unavailable", because: "lost" } : answer;
      },
      log: {
        get trust() {
          return self.#logTrust;
        },
        publish: async ({ tags }) => {
          await this.sleep(0, 120);
          if (model.redisDown) return { kind: "queued", depth: 1 };
          model.redis.append(this.node, tags);
          await this.sleep(0, 10);
          return { kind: "applied" };
        },
        subscribe: (apply) => {
          this.#subscribers.add(apply);
          return () => void this.#subscribers.delete(apply);
        },
      },
    };
  }

  get #awake(): boolean {
    return !this.#dead && this.#model.clock.nowMs() >= this.#stoppedUntilMs;
  }
}
