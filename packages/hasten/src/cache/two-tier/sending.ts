/**
 * What leaves this process.
 *
 * Invariants:
 * - A value leaves only if every source that it hangs on is known to other processes by name, and
 *   confirmed here: what may be untrue here is told to nobody.
 * - It is turned into bytes in the turn in which it was loaded: its caller may change it after.
 */
import type { Trust } from "../../core/trust.ts";
import type { Codec } from "../codec.ts";
import type { Lifetime } from "../entry.ts";
import { type Guard, KEPT_UNTRACKED } from "../guard.ts";
import type { LoadParts } from "../load-parts.ts";
import type { Payload, SharedDependency, SharedValue } from "../shared/port.ts";
import type { Admitted } from "../value.ts";
import { compressPayload, encodeAdmitted } from "../wire/index.ts";

/** A value on its way, and until when it is worth sending. */
export interface Parcel {
  readonly payload: Payload;
  readonly guard: Guard | undefined;
  /** As for a flight: of its load, and when it began. */
  readonly loadMs: number;
  readonly beganMs: number;
  readonly beganWallMs: number;
  readonly tags: readonly string[];
  readonly freshUntilMs: number;
  readonly graceMs: number;
}

/** Undefined where it stays in this process. */
export function pack(
  { options, shelf, tier }: LoadParts,
  what: {
    readonly key: string;
    readonly value: unknown;
    readonly admitted: Admitted;
    readonly codec: Codec<unknown> | undefined;
    readonly guard: Guard | undefined;
    readonly tags: readonly string[];
    readonly lifetime: Lifetime;
    readonly loadMs: number;
  },
): Parcel | undefined {
  if (tier === undefined || !isNamed(what.guard, tier.log.trust)) return undefined;
  const codec = what.codec ?? shelf.codecOf(what.key);
  const payload = encodeAdmitted(what.value, what.admitted, codec);
  if (payload === undefined) return undefined;
  const { clock } = options;
  const { tags, guard, loadMs, lifetime } = what;
  return {
    payload,
    guard,
    loadMs,
    beganMs: clock.nowMs() - loadMs,
    beganWallMs: clock.wallMs() - loadMs,
    tags,
    freshUntilMs: clock.nowMs() + lifetime.ttlMs,
    graceMs: lifetime.graceMs,
  };
}

/** The same, compressed where it is large. */
export function pressed({ tier }: LoadParts, parcel: Parcel): Parcel | Promise<Parcel> {
  const payload = compressPayload(parcel.payload, { compressFromBytes: tier?.compressAboveBytes });
  if (!(payload instanceof Promise)) return { ...parcel, payload };
  return payload.then((smaller) => ({ ...parcel, payload: smaller }));
}

/** Undefined where it may be untrue, or its time is over. To be asked in the turn that sends it. */
export function sharedValue({ options }: LoadParts, parcel: Parcel): SharedValue | undefined {
  const { guard, payload, tags, graceMs, loadMs } = parcel;
  const { clock } = options;
  const ttlMs = parcel.freshUntilMs - clock.nowMs();
  if (ttlMs <= 0 || guard?.confirmed === false) return undefined;
  return {
    payload,
    tags,
    ttlMs,
    graceMs,
    loadMs,
    capturedMs: Math.max(guard?.capturedMs ?? parcel.beganMs, clock.nowMs() - AGE_MAX_MS),
    capturedWallMs: Math.max(
      guard?.capturedWallMs ?? parcel.beganWallMs,
      clock.wallMs() - AGE_MAX_MS,
    ),
    dependency: dependencyOf(guard),
  };
}

/** Redis is the log itself: what hangs on it hangs on the reader's own. */
function isNamed(guard: Guard | undefined, log: Trust): boolean {
  return guard?.trusts.every((one) => one === log || one.shared !== undefined) ?? true;
}

/** Of a value of unknown age: older than anything is kept. */
const AGE_MAX_MS = 366 * 86_400_000;

function dependencyOf(guard: Guard | undefined): SharedDependency | undefined {
  if (guard === undefined || guard.untracked === KEPT_UNTRACKED) return undefined;
  return {
    sources: guard.trusts.flatMap(({ shared }) => shared ?? []),
    untracked: guard.untracked,
    personal: guard.personal,
  };
}
