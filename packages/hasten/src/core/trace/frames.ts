/**
 * The application's line in a stack.
 *
 * Invariants:
 * - A frame of the application is one outside `node_modules`, `node:` and hasten itself (its sources
 *   and its compiled code; its tests are applications).
 * - `at async Promise.all (index 3)` is no frame: which element it was is no place in a program.
 * - A name is that of the nearest function with one, in the same file: a callback is known by the
 *   function that it is written in.
 */
import { findSourceMap } from "node:module";
import { fileURLToPath } from "node:url";
import type { CallSite } from "./call-site.ts";

/** What V8 tells of a frame, as far as it is asked. */
export interface Frame {
  getFileName(): string | null | undefined;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  getFunctionName(): string | null;
  isPromiseAll?(): boolean;
}

type Prepare = (error: Error, frames: never[]) => unknown;

/** `…/src/` or `…/dist/` of this package; "" where a bundler put it into a file with others. */
const OWN: string = ownFolder(import.meta.url);
const OWN_TEST = /\.test\.[cm]?[jt]s$/;
const FRAME_TEXT = /\(?((?:[a-z-]+:\/\/)?[^\s()]+):(\d+):(\d+)\)?\s*$/i;

function ownFolder(url: string): string {
  const found = /^(.*\/)core\/trace\/frames\.[jt]s$/.exec(pathOf(url));
  return found?.[1] ?? "";
}

/** Files by the name that a frame has: paths are made of URLs once. Bounded by FILES_MAX. */
const files = new Map<string, File>();
const FILES_MAX = 1_000;

interface File {
  readonly path: string;
  readonly isApplication: boolean;
  readonly isMapped: boolean;
  readonly dispatches: boolean;
}

/** What calls handlers that somebody registered: who called it is not who wrote them. */
const DISPATCHERS =
  /[/\\]node_modules[/\\](?:express|router|connect|fastify|avvio|koa|koa-[^/\\]+|hono|@?hapi|@nestjs|@koa|@fastify|vitest|@vitest|jest[^/\\]*|mocha|graphql)[/\\]/;

function fileOf(name: string): File {
  const known = files.get(name);
  if (known !== undefined) return known;
  const path = pathOf(name);
  const isMapped = hasMap(name) || hasMap(path);
  const made = {
    path,
    isApplication: isApplication(path),
    isMapped,
    dispatches: DISPATCHERS.test(path),
  };
  if (files.size >= FILES_MAX) files.clear();
  files.set(name, made);
  return made;
}

function hasMap(name: string): boolean {
  try {
    return findSourceMap(name) !== undefined;
  } catch {
    return false;
  }
}

/** Whether a path or URL is that of the application. */
export function isApplication(path: string): boolean {
  if (!/[/\\]/.test(path) || path.startsWith("node:")) return false;
  if (/[/\\]node_modules[/\\]/.test(path)) return false;
  return OWN === "" || !path.startsWith(OWN) || OWN_TEST.test(path);
}

function pathOf(name: string): string {
  if (!name.startsWith("file://")) return name;
  try {
    return fileURLToPath(name.replace(/[?#].*$/, ""));
  } catch {
    return name;
  }
}

/** The first frame of the application. `prepare`, the program's own, knows of source maps that Node does not. */
export function applicationFrame(
  frames: readonly Frame[],
  prepare: Prepare | undefined,
): CallSite | undefined {
  for (let at = 0; at < frames.length; at++) {
    const frame = frames[at]!;
    const site = siteOf(frame, prepare);
    if (site === undefined) continue;
    if (site.functionName !== "") return site;
    return { ...site, functionName: enclosing(frames, at + 1, frame.getFileName()!) };
  }
  return undefined;
}

/**
 * The function that a nameless one is written in, as far as the stack tells: of the same file, through
 * libraries that are handed work to run (a transaction), not through those that find handlers for it.
 */
function enclosing(frames: readonly Frame[], from: number, file: string): string {
  for (let at = from; at < frames.length; at++) {
    const frame = frames[at]!;
    const name = frame.getFileName();
    // Built-in functions, such as Array.map, are in no file; Node's own queues say nothing.
    if (name == null || name.startsWith("node:") || frame.isPromiseAll?.() === true) continue;
    const { isApplication: counts, dispatches } = fileOf(name);
    if (dispatches) return "";
    if (!counts) continue;
    if (name !== file) return "";
    const named = nameOf(frame);
    if (named !== "") return named;
  }
  return "";
}

function siteOf(frame: Frame, prepare: Prepare | undefined): CallSite | undefined {
  const name = frame.getFileName();
  if (name == null || frame.isPromiseAll?.() === true) return undefined;
  const { path, isApplication: counts, isMapped } = fileOf(name);
  if (isMapped) {
    const mapped = mappedByNode(frame, name) ?? mappedByNode(frame, path);
    if (mapped !== undefined) return isApplication(mapped.file) ? mapped : undefined;
  }
  if (!counts) return undefined;
  const line = frame.getLineNumber() ?? 0;
  const column = frame.getColumnNumber() ?? 0;
  const plain = { file: path, line, column, functionName: nameOf(frame) };
  return prepare === undefined ? plain : { ...plain, ...told(prepare, frame) };
}

function mappedByNode(frame: Frame, name: string): CallSite | undefined {
  const line = (frame.getLineNumber() ?? 1) - 1;
  const column = (frame.getColumnNumber() ?? 1) - 1;
  const entry = findSourceMap(name)?.findEntry(line, column);
  if (entry === undefined || !("originalSource" in entry)) return undefined;
  const { originalSource, originalLine, originalColumn } = entry;
  return {
    file: pathOf(originalSource),
    line: originalLine + 1,
    column: originalColumn + 1,
    functionName: nameOf(frame),
  };
}

/** Where the program's own `Error.prepareStackTrace` says that the frame is. */
function told(prepare: Prepare, frame: Frame): Partial<CallSite> {
  try {
    const text = prepare(new Error("site"), [frame as never]);
    const found = typeof text === "string" ? FRAME_TEXT.exec(text) : null;
    if (found === null) return {};
    return { file: pathOf(found[1]!), line: Number(found[2]), column: Number(found[3]) };
  } catch {
    return {};
  }
}

/** `list` of `Orders.list`, `Object.list` and `async list`: the receiver of an async frame is not known. */
function nameOf(frame: Frame): string {
  const name = frame.getFunctionName() ?? "";
  if (name === "<anonymous>" || name === "anonymous") return "";
  const bare = name.slice(name.lastIndexOf(".") + 1);
  return bare === "<anonymous>" ? "" : bare;
}
