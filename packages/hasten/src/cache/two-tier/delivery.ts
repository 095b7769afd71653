/**
 * What becomes of a loaded value where Redis is told of it.
 *
 * Invariants:
 * - The flight is sealed before Redis is told, and its caller answered: the answer waits for nothing.
 * - This process's memory gets the value once Redis stored it, in the turn in which it says so and
 *   if the local fence says the same. Refused there, it is refused here, and who joined asks again.
 * - Where Redis was not told, or did not say what became of it, it is kept as without Redis: by the
 *   local fence, and for as long as the log of invalidations is trusted.
 */
import type { Flight } from "../flight.ts";
import { isVoided, keep, type Landing, landingOf, type Weighed } from "../landing.ts";
import type { LoadParts } from "../load-parts.ts";
import type { SharedFill } from "../shared/port.ts";
import type { Bearing } from "./approach.ts";
import { type Parcel, pack, pressed, sharedValue } from "./sending.ts";

interface Delivery {
  readonly flight: Flight;
  readonly weighed: Weighed;
  readonly bearing: Bearing & { readonly kind: "load" };
  answer(flight: Flight, landing: Landing): void;
  end(flight: Flight, landing: Landing): void;
}

export async function deliver(parts: LoadParts, delivery: Delivery): Promise<void> {
  const { flight, weighed, bearing, answer, end } = delivery;
  const parcel = parcelOf(parts, delivery);
  if (parcel === undefined || bearing.capture === undefined) {
    settle();
    return;
  }
  flight.phase = "filling";
  answer(flight, landingOf(parts, weighed, isVoided(parts, flight.fill, weighed)));
  if (!parts.rules.tier.redisFirst) keep(parts, flight, weighed, false);
  const fill = await send(parts, delivery, parcel);
  if (flight.landing === undefined) settle(fill !== undefined && parts.rules.tier.isRefused(fill));

  function settle(refused = false): void {
    const voided = refused || isVoided(parts, flight.fill, weighed);
    keep(parts, flight, weighed, voided);
    end(flight, landingOf(parts, weighed, voided));
  }
}

function parcelOf(parts: LoadParts, { flight, weighed }: Delivery): Parcel | undefined {
  if (weighed.skipped || weighed.because !== undefined) return undefined;
  if (isVoided(parts, flight.fill, weighed)) return undefined;
  return pack(parts, { ...weighed, key: flight.key, codec: flight.wanted.codec });
}

/** Undefined where Redis is not told. */
async function send(
  parts: LoadParts,
  { flight, weighed, bearing }: Delivery,
  parcel: Parcel,
): Promise<SharedFill | undefined> {
  const { rules } = parts;
  const tier = parts.tier!;
  const { key, fill } = flight;
  const pressing = pressed(parts, parcel);
  const ready = pressing instanceof Promise ? await pressing : pressing;
  const catching = rules.tier.catchUp(tier, key, bearing.capture!);
  if (catching !== undefined) await catching;
  // From here to the call nothing else runs: what is judged is what was applied up to the capture.
  const capture = rules.tier.capture(tier, key);
  const value = sharedValue(parts, ready);
  const told = flight.landing === undefined && !isVoided(parts, fill, weighed);
  if (value === undefined || capture === undefined || !told) return undefined;
  return await tier.fill(key, capture, value, bearing.lease);
}
