import fc from "fast-check";
import { expect, test } from "vitest";
import { assembleCache } from "../../../src/cache/cache.ts";
import { type Cache, defineKey } from "../../../src/cache/index.ts";
import { LOAD_RULES, type LoadRules } from "../../../src/cache/load-parts.ts";
import { TIER_RULES } from "../../../src/cache/two-tier/rules.ts";
import { manualClock } from "../../../src/core/clock.ts";
import { BOUND_MS, type MemoryTier, World } from "./memory-tier.ts";

/**
 * The oracle: a source of numbered versions, two processes over one Redis whose requests and replies
 * move only when the run says so. An answer holds every version that its own process had invalidated
 * before it was asked for, and every one whose invalidation was executed in Redis more than the bound
 * ago. In the end, when everybody was told everything, Redis itself holds nothing older.
 */
const KEYS = 2;
const leaf = defineKey("leaf", (n: number) => [n]).of<Version>();
/** Made of a leaf of the same cache, which its memory may hold. */
const made = defineKey("made", (n: number) => [n]).of<Version>();

interface Version {
  readonly id: number;
  readonly version: number;
}
interface Written {
  readonly id: number;
  readonly version: number;
  readonly by: number;
  /** The key alone, or all that carry its tag. */
  readonly how: How;
  executedMs: number | undefined;
}
type How = "key" | "tag" | "expire";
type Kind = "leaf" | "made";
type Step =
  | {
      readonly do: "ask";
      readonly p: number;
      readonly id: number;
      readonly kind: Kind;
      readonly how: "load" | "get" | "many";
    }
  | {
      readonly do:
        | "token"
        | "settle"
        | "send"
        | "deliver"
        | "flow"
        | "confirm"
        | "away"
        | "back"
        | "lose";
      readonly p: number;
      readonly id: number;
    }
  | { readonly do: "land"; readonly at: number; readonly fails: boolean }
  | { readonly do: "write"; readonly p: number; readonly id: number; readonly how: How }
  | { readonly do: "flush" }
  | { readonly do: "wait"; readonly ms: number };

const p = fc.nat(1);
const id = fc.nat(KEYS - 1);
const does = <T extends string>(...names: T[]) =>
  fc.record({ do: fc.constantFrom(...names), p, id });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      p,
      id,
      kind: fc.constantFrom<Kind>("leaf", "made"),
      how: fc.constantFrom("load" as const, "load" as const, "get" as const, "many" as const),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("land" as const),
      at: fc.nat(3),
      fails: fc.integer({ min: 0, max: 7 }).map((one) => one === 0),
    }),
  },
  { weight: 12, arbitrary: does("send", "deliver", "flow", "flow") },
  { weight: 3, arbitrary: does("confirm", "token", "settle") },
  { weight: 1, arbitrary: does("away", "back", "back", "lose") },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      p,
      id,
      how: fc.constantFrom<How>("key", "tag", "tag", "expire"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 100, 300, 600),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("flush" as const) }) },
);

const at = (does: "flow" | "confirm", side: number): Step => ({ do: does, p: side, id: 0 });

/** Both processes have a leaf; then one of them changes it while the other hears nothing. */
const silence: fc.Arbitrary<Step[]> = fc
  .tuple(id, p, fc.constantFrom<Kind>("leaf", "made"))
  .map(([one, by, kind]): Step[] => [
    ...[0, 1].flatMap((side): Step[] => [
      { do: "ask", p: side, id: one, kind, how: "load" },
      ...Array.from({ length: 3 }, () => at("flow", side)),
      { do: "land", at: 0, fails: false },
      { do: "land", at: 0, fails: false },
      at("flow", side),
    ]),
    { do: "write", p: by, id: one, how: "tag" },
    at("flow", by),
    { do: "wait", ms: 600 },
    { do: "ask", p: 1 - by, id: one, kind, how: "load" },
  ]);
const story: fc.Arbitrary<Step[]> = fc.oneof(
  { weight: 6, arbitrary: fc.array(step, { minLength: 4, maxLength: 70 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(silence, fc.array(step, { maxLength: 30 }))
      .map(([first, then]) => [...first, ...then]),
  },
);

class Stale extends Error {}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Story {
  readonly clock = manualClock();
  readonly world = new World(this.clock);
  readonly sides: { readonly cache: Cache; readonly tier: MemoryTier }[];
  readonly versions: number[] = Array.from({ length: KEYS }, () => 1);
  readonly writes: Written[] = [];
  readonly held: ((fails: boolean) => void)[] = [];
  readonly tokens: { p: number; token: ReturnType<Cache["begin"]>; seen: Version }[] = [];
  readonly answers: Promise<void>[] = [];

  constructor(rules: LoadRules) {
    const { clock, world } = this;
    const invalidate = world.invalidate.bind(world);
    world.invalidate = (node, one) => {
      invalidate(node, one);
      for (const tag of one.tags)
        if (tag.startsWith("w")) this.writes[Number(tag.slice(1))]!.executedMs = clock.nowMs();
    };
    this.sides = [0, 1].map(() => {
      const tier = world.node();
      const cache = assembleCache(
        { name: "o", clock, jitter: 0, ttlMs: 5_000, handoversMax: 3 },
        rules,
        tier,
      );
      tier.held = true;
      return { cache, tier };
    });
  }

  lowest(by: number, id: number, kind: Kind): number {
    const untilMs = this.clock.nowMs() - BOUND_MS;
    let lowest = 0;
    for (const one of this.writes) {
      if (one.id !== id || (kind === "made" && one.how !== "tag")) continue;
      if (one.by === by || (one.executedMs ?? Infinity) < untilMs)
        lowest = Math.max(lowest, one.version);
    }
    return lowest;
  }

  read = (id: number): Promise<Version> => {
    const seen = { id, version: this.versions[id]! };
    return new Promise((resolve, reject) => {
      this.held.push((fails) => (fails ? reject(new Error("source down")) : resolve(seen)));
    });
  };

  ask({ p, id, kind, how }: Step & { do: "ask" }): void {
    const { cache } = this.sides[p]!;
    const lowest = this.lowest(p, id, kind);
    const key = kind === "leaf" ? leaf(id) : made(id);
    const tags = [`t${id}`];
    // Tags of a leaf are learnt from its result.
    const load = (): Promise<Version> => {
      if (kind === "leaf") return this.read(id);
      const inner = cache.peek(leaf(id));
      const under = inner ?? this.read(id);
      return Promise.all([under, this.read(id)]).then(([one]) => one);
    };
    const options = kind === "leaf" ? { tags: () => tags } : { tags };
    const answer =
      how === "get"
        ? cache.get(key)
        : how === "load"
          ? cache.getOrSet(key, load, options)
          : cache.getOrSetMany([key], async () => [await load()], options).then(([one]) => one);
    this.answers.push(
      Promise.resolve(answer).then(
        (value) => {
          if (value !== undefined && value.version < lowest)
            throw new Stale(`${key} at version ${value.version}, must be ${lowest}`);
        },
        () => {},
      ),
    );
  }

  write({ p, id, how }: Step & { do: "write" }): void {
    const { cache } = this.sides[p]!;
    const version = ++this.versions[id]!;
    const marker = `w${this.writes.length}`;
    this.writes.push({ id, version, by: p, how, executedMs: undefined });
    if (how === "tag") void cache.delete({ tags: [`t${id}`, marker] });
    else if (how === "key") void cache.delete({ keys: [leaf(id)], tags: [marker] });
    else void cache.expire({ keys: [leaf(id)], tags: [marker] });
  }

  async take(step: Step): Promise<void> {
    if (step.do === "ask") this.ask(step);
    else if (step.do === "land") {
      const [go] = this.held.splice(step.at % Math.max(1, this.held.length), 1);
      go?.(step.fails);
    } else if (step.do === "write") this.write(step);
    else if (step.do === "flush") this.world.flush();
    else if (step.do === "wait") await this.clock.advance(step.ms);
    else this.move(step);
    for (let turn = 0; turn < 15; turn++) await Promise.resolve();
  }

  move(step: Exclude<Step, { do: "ask" | "land" | "write" | "flush" | "wait" }>): void {
    const { cache, tier } = this.sides[step.p]!;
    if (step.do === "send") tier.send();
    else if (step.do === "deliver") tier.deliver();
    else if (step.do === "flow") tier.flow();
    else if (step.do === "confirm") tier.confirm();
    else if (step.do === "away") tier.leaveAway();
    else if (step.do === "back") tier.comeBack();
    else if (step.do === "lose") tier.losing.push("fill");
    else if (step.do === "token")
      this.tokens.push({
        p: step.p,
        token: cache.begin(leaf(step.id)),
        seen: { id: step.id, version: this.versions[step.id]! },
      });
    else {
      const [one] = this.tokens.splice(0, 1);
      if (one === undefined) return;
      const { token, seen } = one;
      void this.sides[one.p]!.cache.set(leaf(seen.id), seen, { token, tags: [`t${seen.id}`] });
    }
  }

  /** Everybody is told everything; then nothing old is anywhere. */
  async end(): Promise<void> {
    for (let round = 0; round < 12; round++) {
      this.world.expireLeases();
      for (const go of this.held.splice(0)) go(false);
      for (const { tier } of this.sides) {
        if (tier.away) tier.comeBack();
        tier.flow();
      }
      for (let turn = 0; turn < 40; turn++) await Promise.resolve();
    }
    let waiting = true;
    const all = Promise.all(this.answers).then(() => {
      waiting = false;
    });
    for (let turn = 0; turn < 50 && waiting; turn++) await Promise.race([all, nextTurn()]);
    if (waiting) throw new Error("somebody waits for ever");
    await this.clock.advance(BOUND_MS + 1);
    for (const { tier } of this.sides) tier.confirm();
    const third = this.world.node();
    const cache = assembleCache({ name: "o", clock: this.clock }, LOAD_RULES, third);
    for (let id = 0; id < KEYS; id++) {
      for (const kind of ["leaf", "made"] as const) {
        const key = kind === "leaf" ? leaf(id) : made(id);
        const lowest = this.lowest(2, id, kind);
        for (const one of [await cache.get(key), ...this.sides.map((side) => side.cache.peek(key))])
          if (one !== undefined && one.version < lowest)
            throw new Stale(`in the end ${key} is at ${one.version}, must be ${lowest}`);
      }
    }
  }
}

async function run(rules: LoadRules, seed: number | undefined, runs: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(story, async (steps) => {
      const story = new Story(rules);
      for (const one of steps) await story.take(one);
      await story.end();
    }),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
  );
}

test("no answer is older than the contract allows, and Redis keeps nothing outdated", async () => {
  await run(LOAD_RULES, undefined, 1_500);
});

const mutants: Readonly<Record<string, LoadRules>> = {
  "the capture is the newest that is known": {
    ...LOAD_RULES,
    tier: {
      ...TIER_RULES,
      catchUp: () => undefined,
      capture: (tier, key) => tier.captureAt(key, Number.POSITIVE_INFINITY),
    },
  },
  "what was found or loaded is not judged by the local fence": {
    ...LOAD_RULES,
    voided: () => false,
  },
  "a silent log is trusted": { ...LOAD_RULES, confirmed: () => true },
  "who joined a flight takes what is void": {
    ...LOAD_RULES,
    shares: () => true,
    sealed: () => false,
  },
};

for (const [name, rules] of Object.entries(mutants)) {
  test(`the property notices when ${name}`, async () => {
    await expect(run(rules, 1, 3_000)).rejects.toThrow("Property failed");
  });
}
