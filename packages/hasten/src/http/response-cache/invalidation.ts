/**
 * Which entries a write makes untrue, and when that is said.
 *
 * Invariants:
 * - Only a successful unsafe request (2xx, 3xx) invalidates (RFC 9111 §4.4).
 * - The invalidation is applied before the last byte of the writer's answer: whoever has read the
 *   answer cannot be given what was there before.
 * - Its own URI, Location and Content-Location of the same origin are always included.
 * - A path reaches every spelling that a router takes for it: more is dropped rather than less.
 */
import { hash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Outcome } from "../../cache/index.ts";
import { claimSent, unclaimSent } from "../original-methods.ts";
import { applyHead, type HeadArguments } from "../response-head.ts";
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
  const one = onePath(path);
  const shown = one.length > TAG_PATH_LENGTH_MAX ? hash("sha256", one, "base64url") : one;
  return `${name}:path:${shown}`;
}

/** Origin, capitals, escapes and slashes at the end make no other resource for most routers. */
function onePath(path: string): string {
  const own = path.startsWith("/") ? path : path.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, "");
  const text = decoded(own).toLowerCase();
  let end = text.length;
  while (end > 1 && text.charCodeAt(end - 1) === SLASH) end -= 1;
  return end === 0 ? "/" : text.slice(0, end);
}

const SLASH = 47;

function decoded(path: string): string {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
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
  let ending = false;
  const apply = (): Promise<unknown> => applyTargets(engine, req, res, targetsOf);
  const writeHead = res.writeHead as (status: number) => ServerResponse;
  Object.assign(res, {
    // The first byte may carry all a client waits for, so it is applied here as well as at the end,
    // before which the handler may still have written.
    writeHead(...args: HeadArguments) {
      applyHead(res, args);
      if (isSuccess(res.statusCode) && !ending) void apply();
      return writeHead.call(res, res.statusCode);
    },
    end(...args: unknown[]) {
      if (ending) return res;
      if (!isSuccess(res.statusCode)) return end.apply(res, args);
      ending = true;
      // Until then it looks sent: an error after it must not become another answer.
      claimSent(res, true);
      const finish = (): void => {
        unclaimSent(res);
        Object.assign(res, { end });
        end.apply(res, args);
      };
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
