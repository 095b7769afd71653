/** The scripts do what the reference does, whatever is done and lost in between. */
import fc from "fast-check";
import { openLink, type RedisLink } from "hasten/redis";
import { startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as scripts from "../../../src/cache/shared/protocol/scripts.generated.ts";
import { compare, MARKS_MAX, type Step, steps } from "./differential.ts";
import { MUTANTS } from "./mutants.ts";
import { type Mutation, testShard } from "./shard.ts";

let server: Awaited<ReturnType<typeof startRedis>>;
let link: RedisLink;
beforeAll(async () => {
  server = await startRedis();
  link = openLink(server.url);
  await link.ready();
});
afterAll(async () => {
  await link.close();
  await server.stop();
});

const RUNS = Number(process.env["HASTEN_PROTOCOL_RUNS"] ?? 200);
const MUTANT_RUNS_MAX = 2_000;
/** Far more than they take: the machine may be busy. */
const TIME_LIMIT_MS = 300_000;

const property = (mutation?: Mutation): fc.IAsyncPropertyWithHooks<[readonly Step[]]> =>
  fc.asyncProperty(steps, async (script) => {
    await compare(testShard(link, { mutation, marksMax: MARKS_MAX }), script);
  });

test(
  "scripts and reference agree on every outcome and on all that is in Redis",
  async () => {
    await fc.assert(property(), { numRuns: RUNS });
  },
  TIME_LIMIT_MS,
);

test.each(Object.entries(MUTANTS))(
  "mutant is noticed: %s",
  async (_, mutation) => {
    const all = Object.values(scripts);
    expect(all.some((script) => mutation(script.source) !== script.source)).toBe(true);
    const numRuns = MUTANT_RUNS_MAX;
    const found = await fc.check(property(mutation), { numRuns, seed: 4, endOnFailure: true });
    expect(found.failed).toBe(true);
    // Noticed as a difference, or as a reply that the protocol does not have: not since it does not run.
    expect(String(found.errorInstance)).toMatch(/ expected |HST_REDIS_REPLY/);
  },
  TIME_LIMIT_MS,
);
