import { createHash } from "node:crypto";
import { currentTrace } from "../../core/trace/index.ts";
import { optionInvalid } from "../errors.ts";
import type { Key } from "../keys.ts";
import type { Cache, InvalidateOptions, LoadContext, LoadOptions, Outcome } from "../types.ts";
import { canonical } from "./canonical.ts";

/** How results of a calculation are kept. */
export interface CalculationOptions<I, V> extends Omit<LoadOptions<V>, "tags"> {
  /** Kind of its keys: letters, digits, `_`, `.` and `-`. */
  readonly name: string;
  /** Reads what it needs and calculates; anything that runs it must give equal results. */
  readonly calculate: (inputs: I, context: LoadContext<V>) => V | Promise<V>;
  /** What results depend on besides what is seen of their reads. */
  readonly tags?: ((inputs: I, value: V) => readonly string[]) | undefined;
  /**
   * True: a result is kept only if everything it was made from is watched, so that it goes when a
   * source row changes; others are given to their callers and calculated again. False: those live
   * by their time to live. @default false
   */
  readonly tracked?: boolean | undefined;
}

/** A function of inputs whose results are kept. */
export interface CachedCalculation<I, V> {
  /** The result: the value itself on a hit, else a promise. One calculation per inputs at a time. */
  (inputs: I): V | Promise<V>;
  key(inputs: I): Key<V>;
  /** Drops the result of these inputs. */
  delete(inputs: I, options?: InvalidateOptions): Promise<Outcome>;
  /** Drops the results of all inputs. */
  deleteAll(options?: InvalidateOptions): Promise<Outcome>;
}

const TTL_MS = 1_800_000;
const READABLE_MAX = 256;

/**
 * Keeps results of an expensive calculation by its inputs: plain data, in whatever order its
 * properties are. In a tracked cache they go when a row changes that they were made from.
 */
export function cachedCalculation<I, V>(
  cache: Cache,
  options: CalculationOptions<I, V>,
): CachedCalculation<I, V> {
  const { name, calculate, tags, tracked = false, ...kept } = options;
  if (tracked && cache.enabled && !cache.tracked)
    throw optionInvalid("tracked", "false: the cache was created without tracked: true", tracked);
  const key = cache.key(name, (inputs: I) => [inputsText(inputs)]).of<V>();
  const load: LoadOptions<V> = { ttlMs: TTL_MS, ...kept };

  const calculated = async (inputs: I, context: LoadContext<V>): Promise<V> => {
    const trace = currentTrace();
    const value = await calculate(inputs, context);
    if (tracked && !isTracked(cache, trace)) context.skip();
    return value;
  };
  const answer = (inputs: I): V | Promise<V> => {
    const how = tags === undefined ? load : { ...load, tags: (value: V) => tags(inputs, value) };
    return cache.getOrSet(key(inputs), (context) => calculated(inputs, context), how);
  };
  return Object.assign(answer, {
    key: (inputs: I) => key(inputs),
    delete: (inputs: I, how?: InvalidateOptions) => cache.delete(key(inputs), how),
    deleteAll: (how?: InvalidateOptions) => cache.delete({ prefixes: [key.prefix()] }, how),
  });
}

function isTracked(cache: Cache, trace: ReturnType<typeof currentTrace>): boolean {
  return cache.tracked && trace !== undefined && trace.dependency().untracked.length === 0;
}

/** Readable while it is short. No canonical text begins with `sha256`. */
function inputsText(inputs: unknown): string {
  const text = canonical(inputs);
  if (text.length <= READABLE_MAX) return text;
  return `sha256-${createHash("sha256").update(text).digest("base64url")}`;
}
