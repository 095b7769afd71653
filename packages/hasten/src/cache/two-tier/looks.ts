/**
 * Looking for a key in Redis without loading it.
 *
 * Invariants:
 * - Who asks after an invalidation here does not share a look that began before it.
 * - Nothing is asked where this process has a fresh value, or Redis cannot be asked.
 */
import { currentTrace } from "../../core/trace/index.ts";
import { instant } from "../../core/trust.ts";
import type { Entry } from "../entry.ts";
import { Fill } from "../fill.ts";
import { checkKey, type Key } from "../keys.ts";
import type { LoadParts } from "../load-parts.ts";
import type { SharedRead, SharedTier } from "../shared/port.ts";
import { isFresh } from "../standing.ts";
import { openFill } from "../tracking.ts";
import type { Cache, EntryView, Explanation, Hold } from "../types.ts";
import { type Asked, adopt, type Finding } from "./finding.ts";

export type Looks = Pick<Cache, "get" | "getMany" | "promote" | "hold" | "whyShared">;

interface Look {
  readonly fill: Fill;
  readonly finding: Promise<Finding | undefined>;
}

export function createLooks(
  parts: LoadParts,
  tier: SharedTier,
  { peek, why, state }: Pick<Cache, "peek" | "why"> & { readonly state: { closed: boolean } },
): Looks {
  const { fence, rules, options } = parts;
  const looks = new Map<string, Look>();
  const away = (): boolean => state.closed || !tier.usable;
  const begin = (key: string): Asked => askedBy(parts, key, openFill(parts, key));
  const judge = async (asked: Asked, read: SharedRead): Promise<Finding | undefined> => {
    try {
      return read.kind === "found" ? await adopt(parts, asked, read.entry) : undefined;
    } finally {
      fence.end(asked.fill);
    }
  };
  const look = (key: string): Promise<Finding | undefined> => {
    const under = looks.get(key);
    if (under !== undefined && !rules.sealed(fence, under.fill)) {
      const late = fence.seq > under.fill.seq;
      // Which tags it has was not known when this caller joined.
      return under.finding.then((one) => (late && one?.voided === true ? look(key) : one));
    }
    const asked = begin(key);
    const finding = tier.read(key).then((read) => {
      if (looks.get(key)?.fill === asked.fill) looks.delete(key);
      return judge(asked, read);
    });
    if (looks.size < options.fillsMax) looks.set(key, { fill: asked.fill, finding });
    return finding;
  };
  const lookMany = async (keys: readonly string[]): Promise<(Finding | undefined)[]> => {
    const all = keys.map(begin);
    const reads = await tier.readMany(keys);
    return Promise.all(all.map((asked, index) => judge(asked, reads[index] ?? NOT_ASKED)));
  };
  /** A fresh value, which the reader now depends on. */
  const answerOf = (
    finding: Finding | undefined,
    trace: ReturnType<typeof currentTrace>,
  ): unknown => {
    if (finding === undefined || !finding.fresh) return undefined;
    if (trace !== undefined) rules.include(trace, finding.entry);
    return finding.entry.value;
  };

  return {
    get<V>(key: Key<V>) {
      const here = peek(key);
      if (here !== undefined || away() || isFreshHere(parts, key)) return here;
      checkKey(key);
      const trace = currentTrace();
      return look(key).then((finding) => answerOf(finding, trace) as V | undefined);
    },
    async getMany(keys) {
      for (const key of keys) checkKey(key);
      const values: unknown[] = keys.map((key) => peek(key));
      const missing = away()
        ? []
        : keys.filter((key, at) => values[at] === undefined && !isFreshHere(parts, key));
      if (missing.length === 0) return values as never;
      const trace = currentTrace();
      const distinct = [...new Set(missing)];
      const found = await lookMany(distinct);
      const more = new Map<string, unknown>(
        distinct.map((key, at) => [key, answerOf(found[at], trace)]),
      );
      return values.map((value, at) =>
        value === undefined ? more.get(keys[at]!) : value,
      ) as never;
    },
    promote<V>(key: string) {
      checkKey(key);
      if (away() || isFreshHere(parts, key)) return undefined;
      return look(key).then(async (finding) => {
        if (finding !== undefined) return viewOf<V>(finding.entry);
        // A fill that begins next is not refused for what Redis knew before.
        const known = tier.captureAt(key, options.clock.nowMs());
        if (known !== undefined) await rules.tier.catchUp(tier, key, known);
        return undefined;
      });
    },
    hold(token) {
      if (away() || !(token instanceof Fill) || token.state !== "open") return undefined;
      return held(parts, tier, token);
    },
    async whyShared(key) {
      const here: Explanation = why(key);
      return { here, shared: await tier.why(key) };
    },
  };
}

function askedBy({ options }: LoadParts, key: string, fill: Fill): Asked {
  const at = instant(options.clock);
  return { key, fill, at, eagerRefresh: 1, tags: NONE, codec: undefined };
}

function isFreshHere(parts: LoadParts, key: string): boolean {
  const entry = parts.shelf.find(key);
  return entry !== undefined && !entry.failure && isFresh(parts, entry);
}

/** The lease of a key, for who fills it by hand. */
async function held<V>(parts: LoadParts, tier: SharedTier, token: Fill): Promise<Hold<V>> {
  const { key } = token;
  const asked = askedBy(parts, key, token);
  const answer = await tier.lease(key);
  if (answer.kind !== "mine") return answer;
  const { lease, meanwhile } = answer;
  const finding = meanwhile === undefined ? undefined : await adopt(parts, asked, meanwhile);
  if (finding?.fresh) {
    lease.release();
    return { kind: "found", entry: viewOf<V>(finding.entry)! };
  }
  if (token.state === "open") token.lease = lease;
  else lease.release();
  return { kind: "mine" };
}

/** Where nothing is shared. */
export function looksAlone({ peek, why }: Pick<Cache, "peek" | "why">): Looks {
  return {
    get: peek,
    getMany: async (keys) => keys.map((key) => peek(key)),
    promote: () => undefined,
    hold: () => undefined,
    whyShared: async (key) => ({ here: why(key), shared: undefined }),
  };
}

const NONE: readonly string[] = [];
const NOT_ASKED: SharedRead = { kind: "unavailable", because: "it was not asked" };

function viewOf<V>(entry: Entry | undefined): EntryView<V> | undefined {
  return entry as EntryView<unknown> as EntryView<V> | undefined;
}
