/**
 * Values stored by hand, in both tiers.
 *
 * Invariants:
 * - With a token: judged like a load's value, by the local fence up to what was applied here and by
 *   Redis from there on; kept here once Redis stored it. Without one the last to arrive wins.
 * - A counter is Redis's alone: nothing of it is kept here before Redis answered, nor what was read
 *   of it meanwhile.
 */
import { currentTrace } from "../../core/trace/index.ts";
import { notNumber } from "../errors.ts";
import type { Fill } from "../fill.ts";
import type { LoadParts } from "../load-parts.ts";
import { ttlOf } from "../options.ts";
import type { SharedFill } from "../shared/port.ts";
import { checkOwnTags } from "../tags.ts";
import type { Outcome, StoreOptions } from "../types.ts";
import { type Parcel, pressed, sharedValue } from "./sending.ts";

/** Why a counter's readers are not tracked. */
export const A_COUNTER = "a counter of a cache";

/**
 * Tells Redis of a value read under this fill. Undefined where it is not told.
 * @param voided whether the local fence refuses it by now
 */
export async function tellFill(
  parts: LoadParts,
  { fill, parcel, voided }: { readonly fill: Fill; readonly parcel: Parcel; voided(): boolean },
): Promise<SharedFill | undefined> {
  const { tier, rules, options } = parts;
  const { key } = fill;
  const least = tier!.captureAt(key, options.clock.nowMs());
  const pressing = pressed(parts, parcel);
  const ready = pressing instanceof Promise ? await pressing : pressing;
  const catching = least === undefined ? undefined : rules.tier.catchUp(tier!, key, least);
  if (catching !== undefined) await catching;
  // From here to the call nothing else runs.
  const capture = rules.tier.capture(tier!, key);
  const value = sharedValue(parts, ready);
  if (value === undefined || capture === undefined || voided()) return undefined;
  return await tier!.fill(key, capture, value, fill.lease);
}

/** Tells Redis of a value of unknown age; the others forget what they have. */
export async function tellPut(parts: LoadParts, key: string, parcel: Parcel): Promise<Outcome> {
  // Compressing would let a later set overtake it.
  const value = sharedValue(parts, { ...parcel, guard: undefined });
  return await parts.tier!.put(key, value!);
}

/** Adds to a number that all processes share. */
export async function addShared(
  { tier, options, fence, shelf }: LoadParts,
  key: string,
  { by, call }: { readonly by: number; readonly call: StoreOptions },
): Promise<number> {
  currentTrace()?.untracked(A_COUNTER);
  if (!Number.isFinite(by)) throw notNumber(key);
  const kept = { ttlMs: ttlOf(options, call), tags: checkOwnTags(call.tags ?? NONE) };
  const forget = (): void => {
    fence.advance();
    fence.takeKey(key);
    shelf.remove(key);
  };
  forget();
  try {
    return await tier!.increment(key, by, kept);
  } finally {
    forget();
  }
}

const NONE: readonly string[] = [];
