import { type Entry, survives } from "./entry.ts";
import { goneOf } from "./history.ts";
import { checkKey } from "./keys.ts";
import type { LoadParts } from "./load-parts.ts";
import { isFresh } from "./standing.ts";
import type { Explanation } from "./types.ts";

/** Never asked on the way of a hit. */
export function explain(parts: LoadParts, key: string): Explanation {
  checkKey(key);
  const { shelf, history, options } = parts;
  const nowMs = options.clock.nowMs();
  const entry = shelf.memory.peek(key);
  if (entry !== undefined && survives(entry, parts.fence)) return ofEntry(parts, entry, nowMs);
  const gone = entry === undefined ? history.find(key) : goneOf(entry, nowMs);
  if (gone === undefined) return NEVER_SEEN;
  const { atMs, ...told } = gone;
  return { ...told, ageMs: nowMs - atMs };
}

function ofEntry(parts: LoadParts, entry: Entry, nowMs: number): Explanation {
  const { promise, tags, untracked } = entry;
  const told = { promise, tags, untracked, ageMs: nowMs - entry.storedAtMs };
  if (nowMs >= entry.freshUntilMs) {
    const how = entry.expired ? `it was expired${reasonOf(entry)}` : "its time to live is over";
    if (nowMs >= entry.staleUntilMs || entry.failure)
      return { ...told, state: "absent", because: how };
    return { ...told, state: "stale", because: `${how}; it may stand in for an error or a wait` };
  }
  if (!isFresh(parts, entry)) return { ...told, state: "unconfirmed", because: silence(entry) };
  if (entry.failure) return { ...told, state: "fresh", because: "a load's error is remembered" };
  return { ...told, state: "fresh", because: freshness(entry) };
}

function freshness({ guard, confirmed, untracked, promise }: Entry): string {
  if (guard === undefined) return "nothing dropped it; what it was made from is not watched";
  if (!confirmed) return "the log of invalidations is silent, and the cache is told to serve";
  if (untracked.length > 0) return `it lives by its time to live: ${untracked.join("; ")}`;
  return `nothing it was made from changed, as far as the ${promise} tells`;
}

function silence({ guard }: Entry): string {
  if (guard?.doubted) return "this process wrote since, and its source has not passed that write";
  const sources = [...(guard?.trusts ?? []), ...(guard?.log === undefined ? [] : [guard.log])];
  if (sources.some((trust) => trust.ended))
    return "its source of changes was interrupted: changes may have been missed";
  const ageMs = Math.max(...sources.map((trust) => trust.ageMs()));
  if (ageMs === Number.POSITIVE_INFINITY) return "its source of changes has not confirmed anything";
  return `its source of changes was last heard of ${Math.round(ageMs)} ms ago`;
}

function reasonOf(entry: Entry): string {
  const latest = entry.records.reduce<Entry["records"][number] | undefined>(
    (best, one) => (one.expiredSeq > (best?.expiredSeq ?? entry.storedSeq) ? one : best),
    undefined,
  );
  return latest === undefined ? "" : ` by ${latest.name}`;
}

const NEVER_SEEN: Explanation = {
  state: "absent",
  because: "it was not stored, or it was evicted, or it went too long ago to be remembered",
  promise: "ttl",
  tags: [],
  untracked: [],
  ageMs: undefined,
};
