/**
 * Invalidations by the application, here and in the other processes, and those of sources.
 *
 * Invariants:
 * - What is named is taken here before the call returns, in one step, at one number.
 * - Then the log is told, where there is one; what the log brings is applied and not told again.
 */
import type { InvalidationLog, LoggedInvalidation } from "../core/invalidation-log.ts";
import { survives } from "./entry.ts";
import { queuedOnly } from "./errors.ts";
import { publish } from "./events.ts";
import { checkKey, checkPrefix } from "./keys.ts";
import type { LoadParts } from "./load-parts.ts";
import { APPLIED, refused } from "./shelf.ts";
import { checkTags } from "./tags.ts";
import type { Cache, InvalidateOptions, Outcome, Targets } from "./types.ts";

type How = "deleted" | "expired";
type Named = Pick<LoggedInvalidation, "keys" | "tags" | "prefixes">;

export interface Invalidations {
  readonly calls: Pick<Cache, "delete" | "expire" | "clear" | "dropLocal">;
  /** The other processes only. */
  tell(how: LoggedInvalidation["how"], named: Named): Outcome | Promise<Outcome>;
  /** Listens to the log. Returns how to stop: then no outcome says that the others will be told. */
  listen(): () => void;
}

const NONE: readonly string[] = [];
const NOTHING: Named = { keys: NONE, tags: NONE, prefixes: NONE };
const CLOSED = refused("cache is closed");
const HERE = "by this process";
const ELSEWHERE = "by another process";

export function createInvalidations(parts: LoadParts): Invalidations {
  const { fence, shelf, options, tier } = parts;
  const log: InvalidationLog | undefined = options.log;
  let stopped = false;

  const apply = (how: How, named: Named, by: string): void => {
    fence.advance();
    if (how === "deleted") take(parts, named, by);
    else expire(parts, named, by);
    publish({ cache: options.name, kind: how, ...named });
  };
  const clearHere = (): void => {
    fence.advance();
    fence.takeAll();
    shelf.clear();
    publish({ cache: options.name, kind: "cleared" });
  };
  const tell: Invalidations["tell"] = (how, { keys, tags, prefixes }) => {
    if (log === undefined) return APPLIED;
    if (stopped) return CLOSED;
    return log.publish({ cache: options.name, how, keys, tags, prefixes });
  };

  const invalidate = (
    target: string | Targets,
    how: How,
    wanted: InvalidateOptions | undefined,
  ): Outcome | Promise<Outcome> => {
    const named = namedBy(target);
    apply(how, named, HERE);
    const outcome = tell(how, named);
    return wanted === undefined ? outcome : assure(outcome, wanted);
  };
  /** What was asked for beyond its being done here. */
  const assure = async (
    outcome: Outcome | Promise<Outcome>,
    { require, everywhere }: InvalidateOptions,
  ): Promise<Outcome> => {
    const known = await outcome;
    if (known.kind !== "applied" && require === "applied")
      throw queuedOnly(known.kind === "queued" ? known.depth : 0);
    if (everywhere === true && known.kind === "applied" && log !== undefined)
      await waited(parts, log.trust.boundMs);
    return known;
  };
  const calls: Invalidations["calls"] = {
    delete: async (target, wanted) => invalidate(target, "deleted", wanted),
    expire: async (target, wanted) => invalidate(target, "expired", wanted),
    async clear() {
      clearHere();
      return tell("cleared", NOTHING);
    },
    dropLocal(what, because) {
      if (what === "everything") {
        clearHere();
        return;
      }
      if (what.length === 0) return;
      fence.advance();
      for (const tag of what) fence.deleteTag(tag, because);
      publish({ cache: options.name, kind: "deleted", tags: what, because });
    },
  };

  return {
    tell,
    calls,
    listen() {
      const unsubscribe = log?.subscribe((one) => {
        // What Redis's log brings is for whoever shares it, sources of changes included.
        if (tier === undefined && one.cache !== options.name) return;
        if (one.how === "cleared") clearHere();
        else apply(one.how, one, ELSEWHERE);
      });
      return () => {
        unsubscribe?.();
        stopped = tier !== undefined;
      };
    },
  };
}

function namedBy(target: string | Targets): Named {
  const named: Targets = typeof target === "string" ? { keys: [target] } : target;
  const { keys = NONE, tags = NONE } = named;
  for (const key of keys) checkKey(key);
  checkTags(tags);
  return { keys, tags, prefixes: (named.prefixes ?? NONE).map(checkPrefix) };
}

/** By then every process has applied it, or trusts nothing from before it. */
function waited({ options }: LoadParts, ms: number): Promise<void> {
  return new Promise((resolve) => void options.clock.schedule(ms, resolve));
}

function take({ fence, shelf }: LoadParts, { keys, tags, prefixes }: Named, by: string): void {
  for (const key of keys) {
    fence.takeKey(key);
    shelf.remove(key, { state: "invalid", because: `its key was deleted ${by}` });
  }
  for (const tag of tags) fence.deleteTag(tag, by);
  for (const prefix of prefixes) fence.deletePrefix(prefix, by);
}

function expire(
  { fence, shelf, now }: LoadParts,
  { keys, tags, prefixes }: Named,
  by: string,
): void {
  const nowMs = now();
  for (const key of keys) {
    fence.takeKey(key);
    const entry = shelf.memory.peek(key);
    if (entry === undefined) continue;
    if (survives(entry, fence)) entry.expire(nowMs);
    else shelf.remove(key);
  }
  for (const tag of tags) fence.expireTag(tag, nowMs, by);
  for (const prefix of prefixes) fence.expirePrefix(prefix, nowMs, by);
}
