import type { Codec } from "../codec.ts";
import type { Fill } from "../fill.ts";
import type { LoadParts } from "../load-parts.ts";
import { isTooMuch, type Placing, type Prepared, voidedBy } from "../placing.ts";
import { APPLIED } from "../shelf.ts";
import type { Outcome, SetOptions } from "../types.ts";
import { type Parcel, pack } from "./sending.ts";
import { tellFill } from "./writing.ts";

/** Undefined where a value set by hand stays in this process. */
export function parcelOf(
  parts: LoadParts,
  prepared: Prepared,
  options: SetOptions,
): Parcel | undefined {
  if (parts.tier === undefined || options.reach === "process") return undefined;
  const codec = options.codec as Codec<unknown> | undefined;
  return pack(parts, { ...prepared, codec, loadMs: 0 });
}

/** Stores what was read under a token: in this process once Redis stored it, where Redis is told. */
export function createTokenWrites(
  parts: LoadParts,
  { prepare, isVoided, place }: Placing,
): (token: Fill, value: unknown, options: SetOptions) => Outcome | Promise<Outcome> {
  const { fence, rules, tier } = parts;

  /** Judged by Redis as well, and kept here once it is stored there. */
  const placeShared = async (prepared: Prepared, parcel: Parcel): Promise<Outcome> => {
    try {
      const voided = (): boolean => isVoided(prepared);
      const told = await tellFill(parts, { fill: prepared.fill!, parcel, voided });
      if (told !== undefined && rules.tier.isRefused(told)) return voidedBy(parts);
      const outcome = place(prepared);
      return told?.kind === "stored" && isTooMuch(outcome) ? APPLIED : outcome;
    } finally {
      prepared.fill?.release();
    }
  };

  /** Redis takes a while, and whose token it is may release it. */
  const takeOver = (token: Fill): Fill => {
    if (token.state !== "open") return token;
    const fill = fence.begin(token.key, NO_TAGS, token.seq);
    fill.log = token.log;
    fill.capturedMs = token.capturedMs;
    fill.capturedWallMs = token.capturedWallMs;
    fill.lease = token.lease;
    token.lease = undefined;
    return fill;
  };

  return (token, value, options) => {
    const { key } = token;
    const fill = tier?.usable === true ? takeOver(token) : token;
    try {
      const prepared = prepare(key, value, options, fill);
      const far = fill !== token && prepared.because === undefined && !isVoided(prepared);
      const parcel = far ? parcelOf(parts, prepared, options) : undefined;
      return parcel === undefined ? place(prepared) : placeShared(prepared, parcel);
    } catch (error) {
      fill.release();
      throw error;
    } finally {
      token.release();
    }
  };
}

const NO_TAGS: readonly string[] = [];
