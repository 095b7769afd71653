/**
 * A Redis of the tests' own: the protocol's judgement without its economy (marks are never forgotten),
 * any number of nodes over it, and wires that tests can slow down, cut and lose replies on.
 *
 * A request is executed after `send`, its reply handed over after `deliver`; in order, per node.
 * Wires run by themselves unless `held`.
 */

import { prefixesOf } from "../../../src/cache/fence.ts";
import type {
  Capture,
  LeaseAnswer,
  SharedEntry,
  SharedFill,
  SharedRead,
  SharedSource,
  SharedTier,
  SharedValue,
} from "../../../src/cache/shared/port.ts";
import { TierCounts } from "../../../src/cache/shared/tier/stats.ts";
import type { ManualClock } from "../../../src/core/clock.ts";
import type { LoggedInvalidation } from "../../../src/core/invalidation-log.ts";
import { instant, Trust } from "../../../src/core/trust.ts";

export const BOUND_MS = 500;

interface Kept {
  readonly value: SharedValue;
  readonly storedMs: number;
  readonly seq: number;
}
interface Logged {
  readonly node: MemoryTier;
  readonly seq: number;
  readonly one: LoggedInvalidation;
}
interface Holder {
  readonly node: MemoryTier;
  readonly over: PromiseWithResolvers<void>;
}

/** What all nodes share. */
export class World {
  readonly clock: ManualClock;
  epoch = "epoch-1";
  seq = 1;
  readonly log: Logged[] = [];
  readonly entries = new Map<string, Kept>();
  readonly deleted = new Map<string, number>();
  readonly expired = new Map<string, { readonly seq: number; readonly atMs: number }>();
  readonly leases = new Map<string, Holder>();
  readonly nodes: MemoryTier[] = [];

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  node(): MemoryTier {
    const node = new MemoryTier(this);
    this.nodes.push(node);
    return node;
  }

  /** Everything is gone: FLUSHALL. */
  flush(): void {
    this.epoch = `epoch-${Number(this.epoch.slice(6)) + 1}`;
    for (const map of [this.entries, this.deleted, this.expired]) map.clear();
    this.expireLeases();
    this.log.length = 0;
  }

  judge(key: string): { readonly entry: SharedEntry } | { readonly because: string } {
    const kept = this.entries.get(key);
    if (kept === undefined) return { because: "it is not there" };
    const { value, storedMs, seq } = kept;
    const names = namesOf(key, value.tags);
    if (names.some((name) => (this.deleted.get(name) ?? 0) > seq)) return { because: "deleted" };
    let freshUntilMs = storedMs + value.ttlMs;
    let expired = false;
    for (const name of names) {
      const at = this.expired.get(name);
      if (at === undefined || at.seq <= seq) continue;
      expired = true;
      freshUntilMs = Math.min(freshUntilMs, at.atMs);
    }
    const staleUntilMs = freshUntilMs + value.graceMs;
    if (this.clock.nowMs() >= staleUntilMs) return { because: "its time is over" };
    return { entry: { ...value, seq, expired, freshUntilMs, staleUntilMs } };
  }

  /** Whether something of it was invalidated after the capture. */
  refuses(key: string, tags: readonly string[], capture: Capture): string | undefined {
    if (capture.epoch !== this.epoch) return "another epoch";
    for (const name of namesOf(key, tags)) {
      const seq = Math.max(this.deleted.get(name) ?? 0, this.expired.get(name)?.seq ?? 0);
      if (seq > capture.seq) return `${name} was invalidated at ${seq}`;
    }
    const there = this.entries.get(key);
    return there !== undefined && there.seq > capture.seq ? "a newer one is there" : undefined;
  }

  invalidate(node: MemoryTier, one: LoggedInvalidation): void {
    this.seq += 1;
    const { keys, tags, prefixes, how } = one;
    const names = [
      ...keys.map((key) => `k:${key}`),
      ...tags.map((tag) => `t:${tag}`),
      ...prefixes.map((prefix) => `p:${prefix}`),
    ];
    if (how === "cleared") names.push("root");
    for (const name of names) {
      if (how === "expired") this.expired.set(name, { seq: this.seq, atMs: this.clock.nowMs() });
      else this.deleted.set(name, this.seq);
    }
    if (how === "deleted") for (const key of keys) this.entries.delete(key);
    this.log.push({ node, seq: this.seq, one });
  }

  /** Those whose holders do not renew them: a reply that was lost told nobody that it holds one. */
  expireLeases(): void {
    for (const { over } of this.leases.values()) over.resolve();
    this.leases.clear();
  }

  endLease(key: string, node: MemoryTier): void {
    const holder = this.leases.get(key);
    if (holder?.node !== node) return;
    this.leases.delete(key);
    holder.over.resolve();
  }
}

function namesOf(key: string, tags: readonly string[]): string[] {
  return [
    "root",
    `k:${key}`,
    ...tags.map((tag) => `t:${tag}`),
    ...prefixesOf(key).map((prefix) => `p:${prefix}`),
  ];
}

interface Request {
  readonly what: string;
  run(): unknown;
  resolve(reply: unknown): void;
  lose(): void;
}

/** One process's view of it. */
export class MemoryTier implements SharedTier {
  readonly #world: World;
  readonly #sent: Request[] = [];
  readonly #replies: { readonly request: Request; readonly reply: unknown }[] = [];
  readonly #apply: ((one: LoggedInvalidation) => void)[] = [];
  readonly #sources = new Map<string, SharedSource>();
  readonly counts = new TierCounts();
  trust: Trust;
  /** Requests wait for `send` and `deliver`. */
  held = false;
  away = false;
  closed = false;
  /** Names of what was sent, in order. */
  readonly asked: string[] = [];
  /** The next requests of these names are executed, and their replies lost. */
  readonly losing: string[] = [];
  #position = 0;
  #applied: Capture | undefined;
  #sample: Capture | undefined;

  readonly log: SharedTier["log"];

  constructor(world: World) {
    this.#world = world;
    this.trust = this.#newTrust();
    const self = this;
    this.#position = world.log.length;
    this.#applied = { epoch: world.epoch, seq: world.seq };
    this.log = {
      get trust() {
        return self.trust;
      },
      publish: async (one) => {
        if (this.away) {
          this.queue.push(one);
          return { kind: "queued", depth: this.queue.length };
        }
        const done = await this.#ask(
          "invalidate",
          () => world.invalidate(this, one),
          () => this.queue.push(one),
        );
        return done === LOST ? { kind: "queued", depth: 1 } : { kind: "applied" };
      },
      subscribe: (apply) => {
        this.#apply.push(apply);
        return () => void this.#apply.splice(this.#apply.indexOf(apply), 1);
      },
    };
  }

  readonly queue: LoggedInvalidation[] = [];

  #newTrust(): Trust {
    const { clock } = this.#world;
    const trust = new Trust("stream", BOUND_MS, clock);
    trust.confirm(instant(clock));
    return trust;
  }

  get usable(): boolean {
    return !this.away && !this.closed;
  }

  /** Requests that wait to be executed, and replies that wait to be handed over. */
  get waiting(): { readonly sent: number; readonly replies: number } {
    return { sent: this.#sent.length, replies: this.#replies.length };
  }

  /** Executes the oldest request. */
  send(): void {
    const request = this.#sent.shift();
    if (request === undefined) return;
    const reply = request.run();
    const at = this.losing.indexOf(request.what);
    if (at !== -1) {
      this.losing.splice(at, 1);
      request.lose();
      return;
    }
    this.#replies.push({ request, reply });
  }

  /** Hands over the oldest reply. */
  deliver(): void {
    const one = this.#replies.shift();
    one?.request.resolve(one.reply);
  }

  flow(): void {
    while (this.#sent.length > 0) this.send();
    while (this.#replies.length > 0) this.deliver();
  }

  /** Redis cannot be reached: what is under way is lost. */
  leaveAway(): void {
    this.away = true;
    for (const { request } of this.#replies.splice(0)) request.lose();
    for (const request of this.#sent.splice(0)) request.lose();
  }

  comeBack(): void {
    this.away = false;
    for (const one of this.queue.splice(0)) this.#world.invalidate(this, one);
    this.confirm();
  }

  /** Reads the log up to its end, now. */
  confirm(): void {
    const { clock, epoch, seq, log } = this.#world;
    if (this.away) return;
    if (this.#applied?.epoch !== epoch) {
      this.trust.end();
      this.trust = this.#newTrust();
      this.#tell(CLEARED);
    } else {
      for (const { node, one } of log.slice(this.#position)) if (node !== this) this.#tell(one);
    }
    this.#position = log.length;
    this.#applied = { epoch, seq };
    this.trust.confirm(instant(clock));
  }

  #tell(one: LoggedInvalidation): void {
    for (const apply of [...this.#apply]) apply(one);
  }

  #ask<T>(what: string, run: () => T, lost?: () => void): Promise<T | typeof LOST> {
    this.asked.push(what);
    if (this.away) return Promise.resolve(LOST);
    return new Promise((resolve) => {
      const reply = resolve as (reply: unknown) => void;
      const lose = (): void => {
        lost?.();
        resolve(LOST);
      };
      this.#sent.push({ what, run, resolve: reply, lose });
      if (!this.held) queueMicrotask(() => this.flow());
    });
  }

  #clk(): Capture {
    return { epoch: this.#world.epoch, seq: this.#world.seq };
  }

  #lookAt(key: string): SharedRead {
    const capture = this.#clk();
    const found = this.#world.judge(key);
    return "entry" in found
      ? { kind: "found", entry: found.entry, capture }
      : { kind: "absent", capture, because: found.because };
  }

  #heard(read: SharedRead | typeof LOST): SharedRead {
    if (read === LOST) return { kind: "unavailable", because: "away" };
    if (read.kind !== "unavailable") this.#sample = read.capture;
    if (read.kind === "found") this.counts.hits += 1;
    else this.counts.misses += 1;
    return read;
  }

  ready = async (): Promise<boolean> => this.usable;
  read = async (key: string): Promise<SharedRead> =>
    this.#heard(await this.#ask("read", () => this.#lookAt(key)));
  readMany = async (keys: readonly string[]): Promise<readonly SharedRead[]> => {
    const reads = await this.#ask("readMany", () => keys.map((key) => this.#lookAt(key)));
    return keys.map((_, at) => this.#heard(reads === LOST ? LOST : reads[at]!));
  };
  captureAt = (): Capture | undefined => this.#sample ?? this.#applied;
  applied = (): Capture | undefined => (this.away ? undefined : this.#applied);
  caughtUp = async (_key: string, capture: Capture): Promise<boolean> => {
    if ((await this.#ask("confirm", () => this.confirm())) === LOST) return false;
    const applied = this.#applied;
    return applied?.epoch === capture.epoch && applied.seq >= capture.seq;
  };
  lease = async (key: string): Promise<LeaseAnswer> => {
    const answer = await this.#ask("lease", (): LeaseAnswer => {
      const { leases } = this.#world;
      const holder = leases.get(key);
      if (holder !== undefined && holder.node !== this)
        return { kind: "theirs", over: holder.over.promise, leave: () => {} };
      leases.set(key, holder ?? { node: this, over: Promise.withResolvers<void>() });
      const found = this.#world.judge(key);
      const release = (): void => this.#world.endLease(key, this);
      const meanwhile =
        "entry" in found && isFresh(found.entry, this.#world) ? found.entry : undefined;
      return { kind: "mine", lease: { holder: key, release }, meanwhile };
    });
    return answer === LOST ? { kind: "unavailable", because: "away" } : answer;
  };
  fill: SharedTier["fill"] = async (key, capture, value, lease) => {
    const done = await this.#ask("fill", (): SharedFill => {
      if (lease !== undefined) this.#world.endLease(key, this);
      const because = this.#world.refuses(key, value.tags, capture);
      if (because !== undefined) return { kind: "refused", because };
      const storedMs = this.#world.clock.nowMs();
      this.#world.entries.set(key, { value, storedMs, seq: capture.seq });
      return { kind: "stored" };
    });
    if (done === LOST) return { kind: "unknown", because: "no reply" };
    if (done.kind === "stored") this.counts.fills += 1;
    else this.counts.refusedFills += 1;
    return done;
  };
  put: SharedTier["put"] = async (key, value) => {
    const one = { ...CLEARED, how: "deleted" as const, keys: [key] };
    const done = await this.#ask("put", () => {
      this.#world.invalidate(this, one);
      const { seq, clock } = this.#world;
      this.#world.entries.set(key, { value, storedMs: clock.nowMs(), seq });
    });
    if (done !== LOST) return { kind: "applied" };
    this.queue.push(one);
    return { kind: "queued", depth: this.queue.length };
  };
  increment: SharedTier["increment"] = async (key, by, kept) => {
    const sum = await this.#ask("increment", () => {
      const found = this.#world.judge(key);
      const before = "entry" in found ? Number(found.entry.payload.bytes.toString()) : 0;
      this.#world.invalidate(this, { ...CLEARED, how: "deleted", keys: [key] });
      const { seq, clock } = this.#world;
      const payload = { form: 1, bytes: Buffer.from(JSON.stringify(before + by)) };
      const times = { graceMs: 0, loadMs: 0, capturedMs: clock.nowMs(), capturedWallMs: 0 };
      const value = { payload, ...kept, ...times, dependency: undefined };
      this.#world.entries.set(key, { value, storedMs: clock.nowMs(), seq });
      return before + by;
    });
    if (sum === LOST) throw new Error("away");
    return sum;
  };
  async *scan(): AsyncGenerator<never> {}
  attach = (id: string, source: SharedSource): (() => void) => {
    this.#sources.set(id, source);
    return () => void this.#sources.delete(id);
  };
  source = (id: string): Trust | undefined => this.#sources.get(id)?.trust();
  leave: SharedTier["leave"] = async () => ({ kind: "unavailable", because: "not here" });
  status: SharedTier["status"] = () => ({
    state: this.away ? "lost" : "ready",
    because: undefined,
    sinceMs: 0,
    confirmedAgoMs: this.trust.ageMs(),
    queued: this.queue.length,
    shards: 1,
    server: "memory",
  });
  stats: SharedTier["stats"] = () => this.counts.snapshot();
  info = async (): Promise<readonly string[]> => [];
  why: SharedTier["why"] = async (key) => {
    const found = this.#world.judge(key);
    if ("because" in found) return { state: "absent", because: found.because };
    return { state: isFresh(found.entry, this.#world) ? "fresh" : "stale", because: "it is there" };
  };
  close = async (): Promise<void> => {
    this.closed = true;
  };
  [Symbol.asyncDispose] = (): Promise<void> => this.close();
}

function isFresh(entry: SharedEntry, { clock }: World): boolean {
  return !entry.expired && clock.nowMs() < entry.freshUntilMs;
}

const LOST = Symbol("no reply");
const CLEARED: LoggedInvalidation = {
  cache: "",
  how: "cleared",
  keys: [],
  tags: [],
  prefixes: [],
};
