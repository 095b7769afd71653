/**
 * Who took a connection: a stack that is taken now and read only if somebody asks.
 *
 * Invariants: `Error.stackTraceLimit` is as before when it returns; what is kept of a stack are the
 * frames of V8, formatted on the first read; at most LINES_MAX lines of the application come out of it.
 */

import { isApplication } from "../../core/trace/frames.ts";
import { type CallSite, carriedSite } from "../../core/trace/index.ts";

/** Between a pool and the application lie up to 30 frames of an ORM. */
const FRAMES_MAX = 40;
const LINES_MAX = 8;

/** A stack that was taken. */
export interface TakenStack {
  readonly stack?: string;
  /** The line that built a lazy query, which is on no stack. */
  readonly carried: CallSite | undefined;
}

/** Takes the stack from `below` on, which is left out of it. About 8 µs. */
export function takeStack(below: (...parts: never[]) => unknown): TakenStack {
  const before = Error.stackTraceLimit;
  const taken: TakenStack = { carried: carriedSite() };
  try {
    Error.stackTraceLimit = FRAMES_MAX;
    Error.captureStackTrace(taken, below);
    Error.stackTraceLimit = before;
  } catch {
    // A frozen Error tells nothing.
  }
  return taken;
}

/** `at async Orders.list (file:///app/orders.ts:12:5)`, `at /app/orders.ts:12:5` */
const FRAME = /^\s*at (?:(.*?) \()?((?:[a-z-]+:\/\/)?[^()]+?):(\d+):(\d+)\)?$/;

/** Its lines of the application, innermost first. */
export function linesOf(taken: TakenStack | undefined): readonly CallSite[] {
  if (taken === undefined) return [];
  const found: CallSite[] = [];
  for (const line of String(taken.stack ?? "").split("\n")) {
    const [, name, file, at, column] = FRAME.exec(line) ?? [];
    if (file === undefined) continue;
    const path = file.replace(/^async /, "").replace(/^file:\/\//, "");
    if (!isApplication(path)) continue;
    const functionName = nameIn(name);
    found.push({ file: path, line: Number(at), column: Number(column), functionName });
    if (found.length === LINES_MAX) break;
  }
  if (found.length === 0 && taken.carried !== undefined) return [taken.carried];
  return found;
}

/** `list` of `async Orders.list [as handler]`. */
function nameIn(text: string | undefined): string {
  const bare = (text ?? "").replace(/^(async |new )+/, "").replace(/ \[as .*\]$/, "");
  const name = bare.slice(bare.lastIndexOf(".") + 1);
  return name.startsWith("<") ? "" : name;
}
