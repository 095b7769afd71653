/**
 * Patches of a response that a stored answer may step past: it is coded already, so our own
 * compression has nothing to do, and without it the header goes out the fast way.
 */
import type { ServerResponse } from "node:http";

const PATCH = Symbol("hasten.removable");

interface Patch {
  /** What the patch installed: if another is there now, somebody patched on top. */
  readonly installed: ServerResponse["writeHead"];
  readonly before: Pick<ServerResponse, "writeHead" | "write" | "end" | "flushHeaders">;
}

type Patched = ServerResponse & { [PATCH]?: Patch };

/** Applies `patch` and remembers how to take it back. */
export function patchRemovably(res: ServerResponse, patch: () => void): void {
  const { writeHead, write, end, flushHeaders } = res;
  patch();
  const before = { writeHead, write, end, flushHeaders };
  (res as Patched)[PATCH] = { installed: res.writeHead, before };
}

/** Takes the patch back if it is the outermost one. */
export function removePatch(res: ServerResponse): void {
  const patch = (res as Patched)[PATCH];
  if (patch?.installed === res.writeHead) Object.assign(res, patch.before);
}
