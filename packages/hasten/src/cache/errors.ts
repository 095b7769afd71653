import { HastenError } from "../core/errors.ts";

export const optionInvalid = (name: string, allowed: string, got: unknown): HastenError =>
  new HastenError(
    "HST_CACHE_OPTION",
    `${name} must be ${allowed}, got ${String(got)} (${typeof got}).`,
    "Durations are milliseconds, for example ttlMs: 60_000.",
  );

export const tierUnknown = (got: string, known: readonly string[]): HastenError =>
  new HastenError(
    "HST_CACHE_TIER",
    `There is no tier "${got}"; this cache has ${known.join(", ")}.`,
    "Name one of those, or add it to the cache's tiers.",
  );

export const keyInvalid = (why: string): HastenError =>
  new HastenError(
    "HST_CACHE_KEY",
    `This is no cache key: ${why}.`,
    'Build keys with cache.key("user", (id: number) => [id]).of<User>().',
  );

export const tokenInvalid = (key: string): HastenError =>
  new HastenError(
    "HST_CACHE_TOKEN",
    `The token given with ${key} was not opened for it by this cache.`,
    "Pass what begin(key) of the same cache and key returned.",
  );

export const tagInvalid = (why: string): HastenError =>
  new HastenError(
    "HST_CACHE_TAG",
    `This is no tag: ${why}.`,
    "A tag is a string of 1 to 512 characters; an entry has at most 64.",
  );

export const prefixInvalid = (got: unknown): HastenError =>
  new HastenError(
    "HST_CACHE_PREFIX",
    `A prefix is one to four whole segments, got ${JSON.stringify(got)}.`,
    'Pass for example userKey.prefix(7), which is "user:7:". For other sets use tags.',
  );

export const globInvalid = (why: string): HastenError =>
  new HastenError(
    "HST_CACHE_GLOB",
    `This is no glob: ${why}.`,
    "Globs have 1 to 512 characters: * ? [a-z] [^a-z] and \\ before what is meant as it is; escapeGlob() puts it.",
  );

export const groupUnknown = (got: string, known: readonly string[]): HastenError =>
  new HastenError(
    "HST_CACHE_GROUP",
    `There is no group "${got}"; defined are ${known.join(", ")}.`,
    "Name one of those, or add it to defineGroups().",
  );

export const inputsUnkeyable = (what: string): HastenError =>
  new HastenError(
    "HST_CACHE_INPUTS",
    `The inputs of a calculation hold ${what}: equal ones could not be told.`,
    "Pass plain data: objects, arrays, Date, Map, Set, binary, numbers, text.",
  );

export const valueUncacheable = (what: string): HastenError =>
  new HastenError(
    "HST_CACHE_VALUE",
    `A cache cannot hold ${what}: it could not give it back unchanged.`,
    "Load plain data (objects, arrays, Date, Map, Set, binary), or give the key a codec.",
  );

export const codecMismatch = (name: string): HastenError =>
  new HastenError(
    "HST_CACHE_CODEC",
    `Keys of "${name}" were defined twice with different codecs.`,
    "Define a kind of key once, or give both definitions the same codec object.",
  );

export const loadTimedOut = (key: string, ms: number): HastenError =>
  new HastenError(
    "HST_CACHE_TIMEOUT",
    `Loading ${key} took longer than ${ms} ms.`,
    "The load goes on and fills the cache. Raise hardTimeoutMs, or allow graceMs to serve stale.",
  );

export const loadAbandoned = (key: string, why: string): HastenError =>
  new HastenError(
    "HST_CACHE_ABANDONED",
    `The load of ${key} was given up: ${why}.`,
    "Pass the context's signal to what the load calls, and give that a time-out.",
  );

export const loadsBusy = (key: string, waiting: number): HastenError =>
  new HastenError(
    "HST_CACHE_BUSY",
    `${key} was not loaded: ${waiting} loads wait for their turn already.`,
    "The source is slower than it is asked. Raise loadsMax if it can take more, or allow graceMs to serve stale.",
  );

export const batchMismatch = (wanted: number, got: unknown): HastenError =>
  new HastenError(
    "HST_CACHE_BATCH",
    `A batch load must bring one value per key: ${wanted} keys, got ${String(got)}.`,
    "Return an array in the order of the keys, with undefined where there is nothing.",
  );

export const notNumber = (key: string): HastenError =>
  new HastenError(
    "HST_CACHE_NUMBER",
    `increment needs finite numbers: the value of ${key} or the step is not.`,
    "Use a key of its own for a counter, and delete it first if it held something else.",
  );

export const queuedOnly = (depth: number): HastenError =>
  new HastenError(
    "HST_CACHE_QUEUED",
    `The invalidation is done in this process; the others are told later (${depth} wait).`,
    "Without require: 'applied' the outcome says queued. See coherence.status() for the log.",
  );
