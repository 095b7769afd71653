/**
 * Which entries a write makes untrue, and when that is said.
 *
 * Invariants:
 * - Only a successful unsafe request (2xx, 3xx) invalidates (RFC 9111 §4.4).
 * - The invalidation is applied before the last byte of the writer's answer: whoever has read the
 *   answer cannot be given what was there before.
 * - Its own URI, Location and Content-Location of the same origin are always included.
 */
import { hash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Outcome } from "../../cache/index.ts";
import type { Engine } from "./engine.ts";
import { rawPath, rawUrl } from "./request-key.ts";

/** What to drop. */
export interface InvalidationTargets {
  /** Tags as the routes and other users of the same cache gave them. */
  readonly tags?: readonly string[];
  /** Paths without query, as clients send them: all their queries and scopes. */
  readonly paths?: readonly string[];
}

const TAG_PATH_LENGTH_MAX = 400;

/** The tag that every entry of a path carries. Long paths are hashed: a tag has 512 characters. */
export function pathTag(name: string, path: string): string {
  const shown = path.length > TAG_PATH_LENGTH_MAX ? hash("sha256", path, "base64url") : path;
  return `${name}:path:${shown}`;
}

/** Drops what `targets` name. */
export function invalidate(engine: Engine, targets: InvalidationTargets): Promise<Outcome> {
  const tags = [...(targets.tags ?? [])];
  for (const path of targets.paths ?? []) tags.push(pathTag(engine.options.name, rawPath(path)));
  return engine.cache.delete({ tags });
}

const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Makes one writer's answer wait, at its end, for the invalidation that it causes. */
export function invalidateOnSuccess(
  engine: Engine,
  req: IncomingMessage,
  res: ServerResponse,
  targetsOf: (() => InvalidationTargets | undefined) | undefined,
): void {
  if (SAFE.has(req.method ?? "GET")) return;
  const end = res.end as (...args: unknown[]) => ServerResponse;
  let applied: Promise<unknown> | undefined;
  const apply = (): Promise<unknown> => {
    applied ??= applyTargets(engine, req, res, targetsOf);
    return applied;
  };
  const writeHead = res.writeHead as (...args: unknown[]) => ServerResponse;
  Object.assign(res, {
    // The first byte may carry all a client waits for, so it starts here; the end waits for it.
    writeHead(...args: unknown[]) {
      if (isSuccess(Number(args[0]))) void apply();
      return writeHead.apply(res, args);
    },
    end(...args: unknown[]) {
      if (!isSuccess(res.statusCode)) return end.apply(res, args);
      Object.assign(res, { end });
      const finish = (): unknown => end.apply(res, args);
      apply().then(finish, finish);
      return res;
    },
  });
}

/** Never rejects: the write has happened, so its answer must go out whatever becomes of this. */
async function applyTargets(
  engine: Engine,
  req: IncomingMessage,
  res: ServerResponse,
  targetsOf: (() => InvalidationTargets | undefined) | undefined,
): Promise<void> {
  // The mandatory part does not depend on the caller's function, which may throw.
  const jobs: Promise<unknown>[] = [
    invalidate(engine, { paths: [rawUrl(req), ...locations(req, res)] }),
  ];
  try {
    const targets = targetsOf?.();
    if (targets !== undefined) jobs.push(invalidate(engine, targets));
    await Promise.all(jobs);
  } catch (error) {
    const route = `${req.method} ${rawPath(rawUrl(req))}`;
    const detail = `what it made untrue could not be dropped: ${String(error)}`;
    engine.options.onNotice({ kind: "not-invalidated", route, detail });
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 400;
}

/** RFC 9111 §4.4: Location and Content-Location, if their origin is that of the request. */
function locations(req: IncomingMessage, res: ServerResponse): string[] {
  const paths: string[] = [];
  for (const name of ["location", "content-location"]) {
    const value = res.getHeader(name);
    if (typeof value !== "string") continue;
    const base = `http://${req.headers.host ?? "localhost"}${rawUrl(req)}`;
    const url = URL.parse(value, base);
    if (url !== null && url.host === new URL(base).host) paths.push(url.pathname);
  }
  return paths;
}
