/**
 * Finds the line of the application that asks, from where the code runs now.
 *
 * Invariants:
 * - `Error.stackTraceLimit` and `Error.prepareStackTrace` are as before when it returns.
 * - Who awaits a lazy query (Drizzle, Knex) is on no stack: such a query carries the line that built it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { CallSite } from "./call-site.ts";
import { applicationFrame, type Frame } from "./frames.ts";
import { siteCapture } from "./judging.ts";

/** Frames looked at: between a library's method and the driver lie up to 30. */
const FRAMES_MAX = 50;
/** Between the application and the method of a library that builds a query. */
const BUILDER_FRAMES_MAX = 16;

type Prepare = (error: Error, frames: never[]) => unknown;
interface Settings {
  stackTraceLimit: number;
  prepareStackTrace?: Prepare | undefined;
}

const settings = Error as unknown as Settings;
const keepFrames: Prepare = (_error, frames) => frames;

function captured(below: (...parts: never[]) => unknown, framesMax: number): CallSite | undefined {
  const { stackTraceLimit } = settings;
  const own = Object.getOwnPropertyDescriptor(settings, "prepareStackTrace");
  const prepare = own?.value as Prepare | undefined;
  const holder: { stack?: unknown } = {};
  try {
    settings.stackTraceLimit = framesMax;
    settings.prepareStackTrace = keepFrames;
    Error.captureStackTrace(holder, below);
    const frames = holder.stack;
    putBack(stackTraceLimit, own);
    if (!Array.isArray(frames)) return undefined;
    return applicationFrame(frames as Frame[], typeof prepare === "function" ? prepare : undefined);
  } catch {
    // A frozen Error tells nothing.
    putBack(stackTraceLimit, own);
    return undefined;
  }
}

function putBack(stackTraceLimit: number, own: PropertyDescriptor | undefined): void {
  try {
    settings.stackTraceLimit = stackTraceLimit;
    if (own === undefined) delete settings.prepareStackTrace;
    else Object.defineProperty(settings, "prepareStackTrace", own);
  } catch {
    // It was not changed either.
  }
}

const built = new AsyncLocalStorage<CallSite | undefined>();
let carries = false;
let unattributed = false;

/** The line that asks now. Call it synchronously from the public call. */
export function siteHere(): CallSite | undefined {
  const site = captured(siteHere, FRAMES_MAX);
  if (site !== undefined) return site;
  const carried = carriedSite();
  if (carried === undefined) unattributed = true;
  return carried;
}

/** The line that built the lazy query that is being sent, where it is known. */
export function carriedSite(): CallSite | undefined {
  return carries ? built.getStore() : undefined;
}

/**
 * The line that builds a lazy query; undefined while no statement has been found without a line, for
 * then nobody needs it.
 */
export function builderSite(below: (...parts: never[]) => unknown): CallSite | undefined {
  if (!unattributed && siteCapture.from > 1) return undefined;
  return captured(below, BUILDER_FRAMES_MAX);
}

/** Runs what sends a lazy query: statements asked for inside are those of the line that built it. */
export function fromSite<T>(site: CallSite | undefined, work: () => T): T {
  if (site === undefined) return work();
  carries = true;
  return built.run(site, work);
}

/** For tests: as in a process that has seen no statement without a line. */
export function forgetUnattributed(): void {
  unattributed = false;
}
