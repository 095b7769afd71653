import fc from "fast-check";
import { expect, test } from "vitest";
import { manualClock } from "../core/clock.ts";
import { currentTrace, inTrace, Trace } from "../core/trace/index.ts";
import { instant, Trust } from "../core/trust.ts";
import { assembleCache } from "./cache.ts";
import { Fence } from "./fence.ts";
import { dependencyOf } from "./guard.ts";
import { type Cache, defineKey, type Key } from "./index.ts";
import { LOAD_RULES, type LoadRules } from "./load-parts.ts";

/**
 * The oracle: a database of numbered table versions, a source of changes that may be late, silent
 * or interrupted, and two tracked caches whose values are made from tables and from each other's
 * values. Every answer is judged by when it was asked for: it holds every version that this process
 * wrote (and was told so) before, and every foreign one from more than the bound ago.
 */
const BOUND_MS = 500;
const TABLES = 2;
const TTL_MS = 5_000;
const NEWS_MS = 300;

/** The lowest version of each table that a value was made from, and whether it saw the news. */
interface Reading {
  readonly versions: Readonly<Record<number, number>>;
  readonly news: boolean;
}

const keys = {
  /** A: one table. */
  leaf: defineKey("leaf", (n: number) => [n]).of<Reading>(),
  /** A: one table, and what no table tells. */
  mixed: defineKey("mixed", (n: number) => [n]).of<Reading>(),
  /** B: a leaf of A, then another table. */
  pair: defineKey("pair", (n: number) => [n]).of<Reading>(),
  /** B: a leaf of A and nothing else. */
  copy: defineKey("copy", (n: number) => [n]).of<Reading>(),
  /** B: a pair of B and a mixed of A. */
  outer: defineKey("outer", (n: number) => [n]).of<Reading>(),
  /** B: filled by hand, in a trace that was open before the fill. */
  hand: defineKey("hand", (n: number) => [n]).of<Reading>(),
};
const KINDS = ["leaf", "mixed", "pair", "copy", "outer", "hand"] as const;
type Kind = (typeof KINDS)[number];

type Step =
  | { readonly do: "ask"; readonly kind: Kind; readonly n: number; readonly batch: boolean }
  | { readonly do: "land"; readonly at: number }
  | { readonly do: "commit"; readonly table: number }
  | { readonly do: "own"; readonly table: number; readonly settles: boolean }
  | { readonly do: "deliver" | "confirm" | "beat" | "gap" | "recover" | "land-all" }
  | { readonly do: "wait"; readonly ms: number };

const n = fc.constantFrom(0, 0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      kind: fc.constantFrom(...KINDS),
      n,
      batch: fc.boolean(),
    }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constant("land" as const), at: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("commit" as const), table: n }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("own" as const), table: n, settles: fc.boolean() }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom("land-all", "deliver", "confirm", "beat", "beat", "gap", "recover"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 100, max: 700 })),
    }),
  },
);

/** A source that tells nothing for a while, and is asked all the time. */
const silence: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      kind: fc.constantFrom(...KINDS),
      n,
      batch: fc.constant(false),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "land-all" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("commit" as const), table: n }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.integer({ min: 100, max: 400 }),
    }),
  },
);
const story: fc.Arbitrary<Step[]> = fc.oneof(
  fc.array(step, { minLength: 3, maxLength: 60 }),
  fc
    .tuple(
      fc.array(step, { maxLength: 10 }),
      fc.array(silence, { maxLength: 12 }),
      fc.array(step, { maxLength: 10 }),
    )
    .map((parts) => parts.flat()),
);

class Stale extends Error {}

const tag = (table: number): string => `sql:d:s.t${table}`;
const merged = (one: Reading, other: Reading): Reading => {
  const versions: Record<number, number> = { ...one.versions };
  for (const [table, version] of Object.entries(other.versions))
    versions[Number(table)] = Math.min(version, versions[Number(table)] ?? version);
  return { versions, news: one.news || other.news };
};

class World {
  readonly clock = manualClock();
  readonly a: Cache;
  readonly b: Cache;
  /** Of each table: when each version was committed, and which the writer was told of. */
  readonly commits: number[][] = Array.from({ length: TABLES }, () => [Number.NEGATIVE_INFINITY]);
  readonly told: number[] = Array.from({ length: TABLES }, () => 0);
  readonly held: (() => void)[] = [];
  readonly answers: Promise<void>[] = [];
  pending: number[] = [];
  trust: Trust;
  readonly trusts: Trust[] = [];

  constructor(rules: LoadRules) {
    const options = { clock: this.clock, jitter: 0, ttlMs: TTL_MS, tracked: true };
    this.a = assembleCache({ ...options, name: "a" }, rules);
    this.b = assembleCache({ ...options, name: "b" }, rules);
    this.trust = this.begin();
  }

  begin(): Trust {
    const trust = new Trust("stream", BOUND_MS, this.clock);
    trust.confirm(instant(this.clock));
    this.trusts.push(trust);
    return trust;
  }

  /** A query through a watched connection: the trace is that of the public call. */
  async query(table: number): Promise<Reading> {
    const trace = currentTrace()!;
    trace.began();
    const version = this.commits[table]!.length - 1;
    trace.read([tag(table)], this.trust);
    await new Promise<void>((resolve) => this.held.push(resolve));
    trace.ended();
    return { versions: { [table]: version }, news: false };
  }

  load = async (kind: Kind, of: number): Promise<Reading> => {
    const next = (of + 1) % TABLES;
    if (kind === "leaf" || kind === "hand") return this.query(of);
    if (kind === "mixed") {
      const rows = await this.query(of);
      currentTrace()!.untracked("the news");
      return { ...rows, news: true };
    }
    if (kind === "pair")
      return merged(await this.obtain("leaf", of, false), await this.query(next));
    if (kind === "copy") return this.obtain("leaf", of, false);
    return merged(await this.obtain("pair", of, false), await this.obtain("mixed", next, false));
  };

  obtain(kind: Kind, of: number, batch: boolean): Promise<Reading> {
    if (kind === "hand") return this.byHand(of);
    const cache = kind === "leaf" || kind === "mixed" ? this.a : this.b;
    const key: Key<Reading> = keys[kind](of);
    const options = kind === "mixed" ? { ttlMs: NEWS_MS } : {};
    if (!batch) return Promise.resolve(cache.getOrSet(key, () => this.load(kind, of), options));
    return cache
      .getOrSetMany([key], async () => [await this.load(kind, of)], options)
      .then((all) => all[0]!);
  }

  /** As a response cache does it: reads before the fill is opened count from the trace's start. */
  byHand(of: number): Promise<Reading> {
    const key = keys.hand(of);
    const entry = this.b.entry(key, { aside: true });
    if (entry?.confirmed) return Promise.resolve(entry.value);
    const trace = new Trace(this.clock);
    return inTrace(trace, async () => {
      const first = await this.query(of);
      const token = this.b.begin(key, { trace });
      const value = merged(first, await this.query((of + 1) % TABLES));
      const dependency = trace.dependency();
      await this.b.set(key, value, { token, dependency });
      return value;
    });
  }

  ask(kind: Kind, of: number, batch: boolean): void {
    const askedMs = this.clock.nowMs();
    const lowest = this.commits.map((commits, table) => {
      const known = commits.filter((ms) => ms < askedMs - BOUND_MS).length - 1;
      return Math.max(known, this.told[table]!);
    });
    this.answers.push(
      this.obtain(kind, of, batch).then((value) => {
        // Not tracked: it lives by its time to live, which `inspect` looks at.
        if (value.news) return;
        for (const [table, version] of Object.entries(value.versions))
          if (version < lowest[Number(table)]!)
            throw new Stale(`${kind} ${of}: table ${table} at ${version}, ${lowest}`);
      }),
    );
  }

  deliver(): void {
    if (this.trust.ended) return;
    const tags = this.pending.splice(0).map(tag);
    for (const cache of [this.a, this.b]) cache.dropLocal(tags, "a change");
  }

  confirm(): void {
    if (this.pending.length === 0) this.trust.confirm(instant(this.clock));
  }

  own(table: number, settles: boolean): void {
    this.commit(table);
    if (settles && !this.trust.ended) this.deliver();
    else for (const trust of this.trusts) trust.suspend(instant(this.clock));
    this.told[table] = this.commits[table]!.length - 1;
  }

  commit(table: number): void {
    this.commits[table]!.push(this.clock.nowMs());
    if (!this.trust.ended) this.pending.push(table);
  }

  async step(one: Step): Promise<void> {
    // No two things happen at one instant.
    await this.clock.advance(one.do === "wait" ? one.ms : 0.25);
    if (one.do === "ask") this.ask(one.kind, one.n, one.batch);
    else if (one.do === "land") this.held.splice(one.at % Math.max(1, this.held.length), 1)[0]?.();
    else if (one.do === "commit") this.commit(one.table);
    else if (one.do === "own") this.own(one.table, one.settles);
    else if (one.do === "deliver") this.deliver();
    else if (one.do === "land-all") for (const go of this.held.splice(0)) go();
    else if (one.do === "confirm") this.confirm();
    else if (one.do === "beat") {
      this.deliver();
      this.confirm();
    } else if (one.do === "gap") {
      this.trust.end();
      this.pending = [];
    } else if (one.do === "recover" && this.trust.ended) this.trust = this.begin();
    await this.clock.advance(0.25);
    this.inspect();
  }

  /** What was made from the news says so, and does not outlive it. */
  inspect(): void {
    for (const kind of ["leaf", "mixed", "pair", "copy", "outer"] as const) {
      for (let of = 0; of < TABLES; of++) {
        const cache = kind === "leaf" || kind === "mixed" ? this.a : this.b;
        const entry = cache.entry(keys[kind](of));
        if (!entry?.value.news) continue;
        if (entry.untracked.length === 0) throw new Stale(`${kind} hides that it is untracked`);
        if (entry.freshUntilMs - entry.storedAtMs > NEWS_MS) throw new Stale(`${kind} is too old`);
      }
    }
  }

  async finish(): Promise<void> {
    let finished = false;
    const all = Promise.all(this.answers).finally(() => {
      finished = true;
    });
    all.catch(() => {});
    for (let turn = 0; turn < 400 && !finished; turn++) {
      for (const go of this.held.splice(0)) go();
      await this.clock.advance(0);
    }
    if (!finished) throw new Error("a caller never finished");
    await all;
  }
}

const property = (rules: LoadRules) =>
  fc.asyncProperty(story, async (steps) => {
    const world = new World(rules);
    try {
      for (const one of steps) await world.step(one);
    } finally {
      await world.finish();
    }
  });

test("no answer is older than the contract allows, whatever the source of changes does", async () => {
  await fc.assert(property(LOAD_RULES), { numRuns: 3_000 });
}, 120_000);

class CaptureAtBegin extends Fence {
  override begin(key: string, tags?: readonly string[]): ReturnType<Fence["begin"]> {
    this.keepMarks();
    return super.begin(key, tags);
  }
  override takenSince(): boolean {
    return false;
  }
  override isVoid(fill: ReturnType<Fence["begin"]>, tags: readonly string[] = []): boolean {
    return super.takenSince(tags, fill.seq);
  }
}

const mutants: Record<string, Partial<LoadRules>> = {
  "the capture is taken after the read": { voided: () => false },
  "the capture of a trace is taken when its fill begins": {
    fence: (limits) => new CaptureAtBegin(limits),
  },
  "trust is ignored": { confirmed: () => true },
  "what a flight brought is shared though its sources do not confirm it": {
    shares: ({ voided }, fill, { joinedSeq }) => !voided || joinedSeq <= fill.seq,
  },
  "what a flight brought is shared though a source told of a change since": {
    shares: ({ voided, used }, fill, { joinedSeq, again }) =>
      (!voided || joinedSeq <= fill.seq) && (again || used.guard?.confirmed !== false),
  },
  "untracked is not contagious": {
    include: (trace, used) => trace.include({ ...dependencyOf(used), untracked: [] }),
  },
  "the oldest capture is ignored": {
    include: (trace, used) =>
      trace.include({
        ...dependencyOf(used),
        capturedMs: Number.POSITIVE_INFINITY,
        capturedWallMs: Number.POSITIVE_INFINITY,
      }),
  },
  "the first expiry is ignored": {
    include: (trace, used) =>
      trace.include({ ...dependencyOf(used), expiresAtMs: Number.POSITIVE_INFINITY }),
  },
  "tags are not passed on": {
    include: (trace, used) => trace.include({ ...dependencyOf(used), tags: [] }),
  },
  "trusts are not passed on": {
    include: (trace, used) => trace.include({ ...dependencyOf(used), trusts: [] }),
  },
};

for (const [name, rules] of Object.entries(mutants)) {
  test(`the property notices when ${name}`, async () => {
    const details = await fc.check(property({ ...LOAD_RULES, ...rules }), { numRuns: 100_000 });
    expect(details.failed).toBe(true);
    expect(details.errorInstance).toBeInstanceOf(Stale);
  }, 120_000);
}
