import fc from "fast-check";
import { expect, test } from "vitest";
import { manualClock } from "../core/clock.ts";
import { assembleCache } from "./cache.ts";
import { defineKey, type LoadOptions } from "./index.ts";
import { LOAD_RULES, type LoadRules } from "./load-parts.ts";

/**
 * The oracle: every version of the source is numbered. When a call is made, nothing that was read
 * before the last invalidation that covers its key may be its answer. A load reads the version at
 * its start and lands when the run says so, in any order.
 */
const KEYS = 3;
const TAGS = ["red", "blue"] as const;
const key = defineKey("thing", (id: number) => ["of", id]).of<Version>();

interface Version {
  readonly id: number;
  readonly version: number;
  /** The tags this version of the value has: only known by loading it. */
  readonly tags: readonly string[];
}

type Step =
  | { readonly do: "ask"; readonly id: number; readonly batch: boolean }
  | { readonly do: "begin"; readonly id: number }
  | { readonly do: "settle"; readonly at: number }
  | { readonly do: "land"; readonly at: number; readonly fails: boolean }
  | {
      readonly do: "write";
      readonly id: number;
      readonly how: How;
      readonly tags: readonly string[];
    }
  | { readonly do: "wait"; readonly ms: number };
type How = "key" | "tag" | "prefix" | "clear" | "expire";

const id = fc.integer({ min: 0, max: KEYS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("ask" as const), id, batch: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("begin" as const), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("settle" as const), at: fc.nat(5) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("land" as const),
      at: fc.nat(5),
      fails: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      id,
      how: fc.constantFrom<How>("key", "tag", "prefix", "clear", "expire"),
      tags: fc.subarray([...TAGS]),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.integer({ min: 1, max: 600 }),
    }),
  },
);

class World {
  readonly clock = manualClock();
  readonly cache;
  readonly versions: Version[] = Array.from({ length: KEYS }, (_, n) => ({
    id: n,
    version: 0,
    tags: ["red"],
  }));
  /** The lowest version a call for the key made now may be given. */
  readonly lowest: number[] = Array.from({ length: KEYS }, () => 0);
  /** Tags of versions that were only expired: what is left of them may still be served. */
  readonly tagsLeft: (readonly string[])[] = Array.from({ length: KEYS }, () => []);
  /** The lowest version that may be called fresh: raised by expire as well. */
  readonly lowestFresh: number[] = Array.from({ length: KEYS }, () => 0);
  /** The same, counting only invalidations that can be known before the value is loaded. */
  readonly lowestKnown: number[] = Array.from({ length: KEYS }, () => 0);
  readonly held: { id: number; version: number; writes: number; go(fails: boolean): void }[] = [];
  writes = 0;
  readonly tokens: { seen: Version; token: ReturnType<World["cache"]["begin"]> }[] = [];
  readonly answers: Promise<void>[] = [];

  readonly options: LoadOptions<Version>;
  readonly #grace: boolean;

  constructor(rules: LoadRules, how: LoadOptions<Version>) {
    const { clock } = this;
    this.cache = assembleCache({ clock, jitter: 0, ttlMs: 500, handoversMax: 3 }, rules);
    this.options = { ...how, tags: (value) => value.tags };
    this.#grace = how.graceMs !== undefined;
  }

  read = (n: number): Promise<Version> => {
    const seen = this.versions[n]!;
    if (this.held.some((one) => one.id === n && one.writes === this.writes))
      throw new Stale(`two loads of ${n} at once, with no invalidation in between`);
    const { promise, resolve, reject } = Promise.withResolvers<Version>();
    this.held.push({
      id: n,
      writes: this.writes,
      version: seen.version,
      go: (fails) => (fails ? reject(new Error("source down")) : resolve({ ...seen })),
    });
    return promise;
  };

  ask(n: number, batch: boolean): void {
    const lowest = this.lowest[n]!;
    const { options } = this;
    const answer = batch
      ? this.cache
          .getOrSetMany([key(n)], async () => [await this.read(n)], options)
          .then((all) => all[0]!)
      : Promise.resolve(this.cache.getOrSet(key(n), () => this.read(n), options));
    this.answers.push(
      answer.then(
        (value) => {
          if (value.id !== n || value.version < lowest)
            throw new Stale(`asked for ${n} at ${lowest}, got ${value.id} at ${value.version}`);
        },
        (error: Error & { code?: string }) => {
          if (error.message !== "source down" && error.code !== "HST_CACHE_TIMEOUT") throw error;
        },
      ),
    );
  }

  /** Whoever asks is answered, or waits for a load that is not yet known to be overtaken. */
  notKeptWaiting(n: number): void {
    const lowest = this.lowestKnown[n]!;
    if (this.cache.entry(key(n)) !== undefined) return;
    if (!this.held.some((one) => one.id === n && one.version >= lowest))
      throw new Stale(`asked for ${n}, and wait for a load from before ${lowest}`);
  }

  async write(step: Step & { do: "write" }): Promise<void> {
    const before = this.versions[step.id]!;
    const named = [...new Set([...this.tagsLeft[step.id]!, ...before.tags])];
    const next = { id: step.id, version: before.version + 1, tags: step.tags };
    this.versions[step.id] = next;
    this.writes += 1;
    // What a real writer would do: name what changed, by what the old value depended on.
    if (step.how === "key") await this.cache.delete(key(step.id));
    else if (step.how === "prefix") await this.cache.delete({ prefixes: ["thing:of:"] });
    else if (step.how === "clear") await this.cache.clear();
    else if (step.how === "expire") await this.cache.expire(key(step.id));
    else {
      const untagged = before.tags.length === 0;
      await this.cache.delete({ tags: named, keys: untagged ? [key(step.id)] : [] });
    }
    this.lowestFresh[step.id] = next.version;
    // Within its grace an expired value may still be served; a later delete takes it.
    this.tagsLeft[step.id] = step.how === "expire" ? named : [];
    if (step.how === "expire" && this.#grace) return;
    this.lowest[step.id] = next.version;
    if (step.how !== "tag") this.lowestKnown[step.id] = next.version;
  }

  async step(step: Step): Promise<void> {
    if (step.do === "ask") {
      this.ask(step.id, step.batch);
      this.notKeptWaiting(step.id);
    }
    if (step.do === "write") await this.write(step);
    else if (step.do === "wait") await this.clock.advance(step.ms);
    else if (step.do === "begin")
      this.tokens.push({ seen: this.versions[step.id]!, token: this.cache.begin(key(step.id)) });
    else if (step.do === "settle") {
      const [one] = this.tokens.splice(step.at % Math.max(1, this.tokens.length), 1);
      if (one !== undefined)
        await this.cache.set(key(one.seen.id), one.seen, { token: one.token, tags: one.seen.tags });
    }
    if (step.do === "land") {
      const [one] = this.held.splice(step.at % Math.max(1, this.held.length), 1);
      one?.go(step.fails);
    }
    await this.clock.advance(0);
    this.inspect();
  }

  /** What is kept now must be what a call made now may be given. */
  inspect(): void {
    for (let n = 0; n < KEYS; n++) {
      const kept = this.cache.peek(key(n));
      if (kept !== undefined && kept.version < this.lowestFresh[n]!)
        throw new Stale(`kept ${n} at ${kept.version}, the lowest is ${this.lowestFresh[n]}`);
    }
  }

  async finish(): Promise<void> {
    let finished = false;
    const all = Promise.all(this.answers).finally(() => {
      finished = true;
    });
    all.catch(() => {});
    for (let turn = 0; turn < 200 && !finished; turn++) {
      for (const one of this.held.splice(0)) one.go(false);
      await this.clock.advance(0);
    }
    if (!finished) throw new Error("a caller never finished");
    await all;
    for (const { token } of this.tokens) token.release();
    expect(this.cache.stats().runningLoads).toBe(0);
  }
}

class Stale extends Error {}

async function run(steps: readonly Step[], world: World): Promise<void> {
  try {
    for (const one of steps) await world.step(one);
  } finally {
    await world.finish();
  }
}

const property = (rules: LoadRules, how: LoadOptions<Version> = {}) =>
  fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 40 }), (steps) =>
    run(steps, new World(rules, how)),
  );

const ways: Record<string, LoadOptions<Version>> = {
  "with plain loads": {},
  "with stale values served at once": { graceMs: 2_000, softTimeoutMs: 0 },
  "with time-outs, grace and eager refreshes": {
    graceMs: 1_000,
    softTimeoutMs: 50,
    hardTimeoutMs: 100,
    eagerRefresh: 0.5,
  },
};

for (const [name, how] of Object.entries(ways)) {
  test(`no caller is given, and nothing keeps, what was read before an invalidation, ${name}`, async () => {
    await fc.assert(property(LOAD_RULES, how), { numRuns: 1_000 });
  }, 60_000);
}

const mutants: Record<string, Partial<LoadRules>> = {
  "a sealed flight is joined": { sealed: () => false },
  "what a sealed flight brought is stored": { voided: () => false },
  "tags learnt from the result are not checked": { voided: (fence, fill) => fence.isVoid(fill) },
  "a joiner is not sent back": { shares: () => true },
};

for (const [name, rules] of Object.entries(mutants)) {
  test(`the property notices when ${name}`, async () => {
    const details = await fc.check(property({ ...LOAD_RULES, ...rules }), { numRuns: 5_000 });
    expect(details.failed).toBe(true);
    expect(details.errorInstance).toBeInstanceOf(Stale);
  }, 60_000);
}
