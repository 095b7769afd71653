/**
 * Deletes entries by a glob over their keys: a job that looks at every key, for maintenance. The
 * fast way to delete many is a prefix or a tag, which takes the same time whatever it hits.
 *
 * Invariants:
 * - nothing happens until it is iterated or `done()` is asked for, and it happens once;
 * - the tier in Redis first, then this process, so that nothing comes back from there;
 * - what is found is deleted like by `cache.delete({ keys })`: loads of these keys that run are void
 *   and the other processes are told. What is in neither, or arrives behind the cursor, stays;
 * - the event loop is let go after each page, and at most `max` entries are deleted.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { SharedTier } from "../shared/port.ts";
import type { Cache, Outcome } from "../types.ts";
import { type Glob, parseGlob } from "./glob.ts";
import { jobNumber } from "./job-number.ts";
import type { Matching, MatchingProgress, MatchingRun } from "./matching-types.ts";

export interface MatchingParts {
  readonly shelf: { readonly memory: { readonly size: number; values(): Iterable<KeyHolder> } };
  readonly tier?: Pick<SharedTier, "scan"> | undefined;
}

interface KeyHolder {
  readonly key: string;
}

const MAX_DEFAULT = 1_000_000;
const PAGE_DEFAULT = 500;

export function createMatching(
  parts: MatchingParts,
  calls: Pick<Cache, "delete">,
): Matching["deleteMatching"] {
  return (text, job = {}) => {
    const glob = parseGlob(text);
    const max = jobNumber("max", job.max ?? MAX_DEFAULT, 100_000_000);
    const pageSize = jobNumber("pageSize", job.pageSize ?? PAGE_DEFAULT, 10_000);
    const limits = { max, pageSize, signal: job.signal };
    return runOf(walk({ parts, calls, text, glob }, limits));
  };
}

/** Of a cache that keeps nothing. */
export const matchingOff: Matching["deleteMatching"] = (text) => {
  parseGlob(text);
  return runOf(nothing());
};

interface What {
  readonly parts: MatchingParts;
  readonly calls: Pick<Cache, "delete">;
  readonly text: string;
  readonly glob: Glob;
}

interface Limits {
  readonly max: number;
  readonly pageSize: number;
  readonly signal: AbortSignal | undefined;
}

async function* walk(what: What, limits: Limits): AsyncGenerator<MatchingProgress> {
  const { tier } = what.parts;
  let told: MatchingProgress = START;
  if (tier !== undefined) {
    for await (const page of tier.scan(what.text, limits)) {
      const { scanned, deleted, percent } = page;
      const stopped = deleted >= limits.max;
      told = { tier: "shared", scanned, deleted, percent, stopped, done: false };
      yield told;
      limits.signal?.throwIfAborted();
    }
  }
  yield* walkMemory(what, limits, told);
}

async function* walkMemory(
  { parts, calls, glob }: What,
  { max, pageSize, signal }: Limits,
  before: MatchingProgress,
): AsyncGenerator<MatchingProgress> {
  const whole = parts.shelf.memory.size;
  let looked = 0;
  let { deleted } = before;
  let page: string[] = [];
  const told = (done: boolean): MatchingProgress => {
    const percent = done ? 100 : Math.min(99, Math.floor((100 * looked) / Math.max(1, whole)));
    const scanned = before.scanned + looked;
    return { tier: "memory", scanned, deleted, percent, stopped: deleted >= max, done };
  };
  const flush = async (): Promise<Outcome | undefined> => {
    const keys = page;
    page = [];
    deleted += keys.length;
    return keys.length === 0 ? undefined : calls.delete({ keys });
  };
  signal?.throwIfAborted();
  for (const { key } of parts.shelf.memory.values()) {
    if (deleted + page.length >= max) break;
    looked += 1;
    if (glob.matches(key)) page.push(key);
    if (looked % pageSize !== 0) continue;
    await flush();
    yield told(false);
    await nextTurn();
    signal?.throwIfAborted();
  }
  await flush();
  yield told(true);
}

const START: MatchingProgress = {
  tier: "memory",
  scanned: 0,
  deleted: 0,
  percent: 0,
  stopped: false,
  done: false,
};

async function* nothing(): AsyncGenerator<MatchingProgress> {
  yield { ...START, percent: 100, done: true };
}

function runOf(steps: AsyncGenerator<MatchingProgress>): MatchingRun {
  return {
    [Symbol.asyncIterator]: () => steps,
    async done() {
      let last = START;
      for await (const step of steps) last = step;
      return last;
    },
  };
}
