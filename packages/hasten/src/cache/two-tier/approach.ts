/**
 * What a flight does before it loads: it looks whether another process has the value, and whether
 * another one is loading it.
 *
 * Invariants:
 * - Its fill is open before Redis is asked, so that what is found and what is loaded are both judged
 *   by every invalidation since.
 * - It waits for Redis at most as long as a command may take, and a third of a shorter hard time-out
 *   for each answer, so that a load still has its time; for other processes at most `loadMaxMs`. Then
 *   it loads.
 * - Whoever leads it or joined it is offered a found value that may stand in.
 * - When it loads, everything has been applied here that was in Redis when it looked.
 * - A lease is held only while it loads: who waits for a turn here keeps no other process waiting.
 */
import { instant } from "../../core/trust.ts";
import type { Flight } from "../flight.ts";
import type { Landing } from "../landing.ts";
import type { LoadParts, LoadRequest } from "../load-parts.ts";
import type { Capture, Lease, LeaseAnswer, SharedEntry, SharedRead } from "../shared/port.ts";
import { isGone } from "../standing.ts";
import { renewFill } from "../tracking.ts";
import { type Asked, adopt, type Finding } from "./finding.ts";
import { inTime, leaseInTime } from "./in-time.ts";

/** How a flight goes on. */
export type Bearing =
  | { readonly kind: "found"; readonly landing: Landing }
  /** `capture`: what was in Redis when it looked; undefined where Redis did not say. */
  | {
      readonly kind: "load";
      readonly capture: Capture | undefined;
      readonly lease: Lease | undefined;
    }
  /** It has ended meanwhile. */
  | { readonly kind: "over" };

/** Whether what this load brings is other processes' affair as well. */
export function travels({ tier, shelf }: LoadParts, { key, options }: LoadRequest): boolean {
  if (tier === undefined || options.alone || !tier.usable) return false;
  const codec = options.codec ?? shelf.codecOf(key);
  return codec === undefined || codec.wire !== undefined;
}

const OVER: Bearing = { kind: "over" };

/** What the first look brought, where that was nothing to land with at once. */
export interface Sight {
  readonly asked: Asked;
  readonly read: SharedRead;
  /** Decompressing what is large takes a while. */
  readonly landing: Landing | undefined | Promise<Landing | undefined>;
}

/**
 * The first look: a fresh value of another process lands in the turn of the answer, as nothing else
 * has to be waited for. Everything else goes on from there.
 */
export function lookFirst(
  parts: LoadParts,
  flight: Flight,
  land: (flight: Flight, landing: Landing) => void,
  goOn: (flight: Flight, sight: Sight) => Promise<void>,
): void {
  const asked = askedBy(parts, flight);
  void inTime(parts, flight, parts.tier!.read(flight.key, flight.wanted.tags)).then((read) => {
    const landing = read.kind === "found" ? useful(parts, flight, asked, read.entry) : undefined;
    if (landing !== undefined && !(landing instanceof Promise)) land(flight, landing);
    else void goOn(flight, { asked, read, landing });
  });
}

function askedBy({ options }: LoadParts, { key, fill, wanted }: Flight): Asked {
  const { eagerRefresh, codec, tags } = wanted;
  return { key, fill, at: instant(options.clock), eagerRefresh, codec, tags };
}

async function lookAgain(parts: LoadParts, flight: Flight): Promise<Sight> {
  const asked = askedBy(parts, flight);
  const read = await inTime(parts, flight, parts.tier!.read(flight.key, flight.wanted.tags));
  const landing = read.kind === "found" ? useful(parts, flight, asked, read.entry) : undefined;
  return { asked, read, landing };
}

/**
 * Until it may load, or another process has the value after all.
 * @param turn waits until the flight may load; false where it has ended
 */
export async function approach(
  parts: LoadParts,
  flight: Flight,
  turn: ((flight: Flight) => Promise<boolean>) | undefined,
  first: Sight,
): Promise<Bearing> {
  const tier = parts.tier!;
  const { key, wanted } = flight;
  let capture: Capture | undefined;
  for (let sight = first; ; sight = await lookAgain(parts, flight)) {
    const { asked, read } = sight;
    if (read.kind !== "unavailable") capture = read.capture;
    const landing = await sight.landing;
    if (landing !== undefined) return { kind: "found", landing };
    if (flight.landing !== undefined) return OVER;
    if (turn !== undefined && !(await turn(flight))) return OVER;
    const catching =
      capture === undefined ? undefined : parts.rules.tier.catchUp(tier, key, capture);
    const caught = catching === undefined ? undefined : inTime(parts, flight, catching);
    if (read.kind === "unavailable" || flight.impatient) {
      await caught;
      return toLoad(parts, flight, { capture, lease: undefined });
    }
    const answer = await leaseInTime(parts, flight, tier.lease(key, wanted.tags));
    if (answer.kind !== "theirs" && caught !== undefined) await caught;
    if (answer.kind === "unavailable") return toLoad(parts, flight, { capture, lease: undefined });
    if (answer.kind === "mine") return held(parts, flight, { asked, capture, answer });
    if (turn !== undefined) parts.gate!.leave(flight.turn);
    await others(flight, answer);
    if (flight.landing !== undefined) return OVER;
  }
}

/** The lease is this flight's; somebody may have stored the value just before. */
async function held(
  parts: LoadParts,
  flight: Flight,
  {
    asked,
    capture,
    answer: { lease, meanwhile },
  }: {
    readonly asked: Asked;
    readonly capture: Capture | undefined;
    readonly answer: LeaseAnswer & { readonly kind: "mine" };
  },
): Promise<Bearing> {
  const landing =
    meanwhile === undefined ? undefined : await useful(parts, flight, asked, meanwhile);
  if (landing === undefined) return toLoad(parts, flight, { capture, lease });
  lease.release();
  return flight.landing === undefined ? { kind: "found", landing } : OVER;
}

/**
 * It loads now: what was told until here, it will have read after. So an invalidation that Redis knew
 * of when it was asked, and this process only now, does not refuse the load that follows it.
 */
function toLoad(
  parts: LoadParts,
  flight: Flight,
  { capture, lease }: { readonly capture: Capture | undefined; readonly lease: Lease | undefined },
): Bearing {
  if (flight.landing !== undefined) {
    lease?.release();
    return OVER;
  }
  const { stale, fill, notes } = flight;
  if (stale !== undefined && parts.fence.isVoid(fill, stale.tags)) flight.stale = undefined;
  // What was deleted while it waited, the load must not make its value of.
  if (notes.previous !== undefined && isGone(parts, notes.previous)) notes.previous = undefined;
  renewFill(parts, fill);
  return { kind: "load", capture, lease };
}

/** Until another process's load has ended, or this one has waited long enough. */
async function others(
  flight: Flight,
  answer: LeaseAnswer & { readonly kind: "theirs" },
): Promise<void> {
  flight.delayed();
  await Promise.race([answer.over, flight.patience()]);
  answer.leave();
}

/** What the flight ends with, where what was found is fresh; else it may stand in. */
function useful(
  parts: LoadParts,
  flight: Flight,
  asked: Asked,
  found: SharedEntry,
): Landing | undefined | Promise<Landing | undefined> {
  const finding = adopt(parts, asked, found);
  return finding instanceof Promise
    ? finding.then((one) => landingWith(parts, flight, one))
    : landingWith(parts, flight, finding);
}

function landingWith(
  parts: LoadParts,
  flight: Flight,
  finding: Finding | undefined,
): Landing | undefined {
  if (finding === undefined || flight.landing !== undefined) return undefined;
  const { entry, fresh, voided } = finding;
  if (!fresh) {
    if (!voided) flight.offer(entry);
    return undefined;
  }
  if (flight.leader.background && !isNews(parts, flight, finding)) return undefined;
  const { stored, codec } = entry;
  try {
    return { kind: "loaded", value: entry.value, stored, codec, voided, used: entry };
  } catch {
    // A codec that does not read what it wrote: as if it were not there.
    parts.counters.undecodable += 1;
    return undefined;
  }
}

/** What is refreshed because its end is near is not replaced by itself. */
function isNews({ options }: LoadParts, { leader, wanted }: Flight, { entry }: Finding): boolean {
  const { stale } = leader;
  if (stale === undefined || stale.freshUntilMs + SAME_MS >= entry.freshUntilMs) return false;
  // `refreshAtMs` is drawn anew where it is drawn: only what is due by a fraction is certain.
  return wanted.eagerRefresh === 1 || options.clock.nowMs() < entry.refreshAtMs;
}

/** Two processes see the time of one entry alike to within a round trip. */
const SAME_MS = 100;
