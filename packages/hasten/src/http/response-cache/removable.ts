/**
 * Patches of a response that a stored answer may step past: it is coded already, so our own
 * compression has nothing to do, and without it the header goes out the fast way.
 */
import type { ServerResponse } from "node:http";

const PATCH = Symbol("hasten.removable");

type Methods = Pick<ServerResponse, "writeHead" | "write" | "end" | "flushHeaders">;

interface Patch {
  /** What the patch installed: if another is there now, somebody patched on top. */
  readonly installed: Methods;
  readonly before: Methods;
}

type Patched = ServerResponse & { [PATCH]?: Patch };

/** Applies `patch` and remembers how to take it back. */
export function patchRemovably(res: ServerResponse, patch: () => void): void {
  const before = methodsOf(res);
  patch();
  (res as Patched)[PATCH] = { installed: methodsOf(res), before };
}

/** Takes the patch back if it is the outermost one. */
export function removePatch(res: ServerResponse): void {
  const patch = (res as Patched)[PATCH];
  if (patch !== undefined && isOutermost(res, patch.installed)) Object.assign(res, patch.before);
}

function methodsOf({ writeHead, write, end, flushHeaders }: ServerResponse): Methods {
  return { writeHead, write, end, flushHeaders };
}

function isOutermost(res: ServerResponse, installed: Methods): boolean {
  return (
    res.writeHead === installed.writeHead &&
    res.write === installed.write &&
    res.end === installed.end &&
    res.flushHeaders === installed.flushHeaders
  );
}
