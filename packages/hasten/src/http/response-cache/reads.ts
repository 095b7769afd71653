/**
 * Which inputs a handler reads, so that a response that depends on one of them without the key
 * knowing it is not shared (coherence §6).
 *
 * Watched on misses only: request fields, cookies, `user`, `auth`, `session`, `ip`. Names look
 * like `accept-language`, `cookie:theme`, `user.id`, `session`, `ip`.
 */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { type Note, type Watch, watchProperty } from "./watch-property.ts";

/** A request as frameworks extend it. Only these properties are looked at. */
export interface ExtendedRequest extends IncomingMessage {
  user?: unknown;
  auth?: unknown;
  session?: unknown;
  cookies?: unknown;
  signedCookies?: unknown;
}

export interface Reads {
  readonly names: ReadonlySet<string>;
  /** Runs what is not the handler, whose reads do not count. */
  outside<T>(run: () => T): T;
  /** Puts the request back as it was. */
  stop(): void;
}

/** Fields that frameworks read for every request and that never choose the content we store. */
const NEUTRAL: ReadonlySet<string> = new Set([
  "accept-encoding",
  "if-none-match",
  "if-modified-since",
  "if-match",
  "if-unmodified-since",
  "if-range",
  "range",
  "cache-control",
  "pragma",
  "connection",
  "content-length",
  "transfer-encoding",
  "te",
  "upgrade",
  "expect",
  "x-no-compression",
]);

/** Hidden from the handler of a miss, so that it makes the full answer that can be stored. */
const CONDITIONAL: ReadonlySet<string> = new Set(["if-none-match", "if-modified-since"]);

export interface WatchOptions {
  /** Makes the handler answer in full: the condition is evaluated on what it answers. */
  readonly hideConditions: boolean;
  /** What the handler sees as the URL of the client, where the key leaves some of it out. */
  readonly originalUrl?: string | undefined;
}

/** Starts recording. Call `stop` when the response is complete. */
export function watchReads(req: ExtendedRequest, options: WatchOptions): Reads {
  const names = new Set<string>();
  let outsideDepth = 0;
  const note: Note = (name) => {
    if (outsideDepth === 0) names.add(name);
  };
  const headers = req.headers;
  const undo: (() => void)[] = [() => setHeaders(req, headers)];
  setHeaders(req, watchHeaders(headers, note, options.hideConditions));
  const watch: Watch = { req, note, undo };
  for (const name of ["rawHeaders", "headersDistinct"]) {
    watchProperty(watch, name, (value) => noted(note, ALL_FIELDS, value));
  }
  for (const name of ["cookies", "signedCookies"]) {
    if (name in req) watchProperty(watch, name, (value) => watchObject(value, "cookie:", note));
  }
  for (const name of ["user", "auth"]) {
    watchProperty(watch, name, (value) => watchIdentity(value, name, note));
  }
  watchProperty(watch, "session", (value) => watchWhole(value, note));
  for (const name of ["ip", "ips"]) {
    if (name in req) watchProperty(watch, name, (value) => noted(note, "ip", value));
  }
  if (options.originalUrl !== undefined) replaceOriginalUrl(watch, options.originalUrl);
  return {
    names,
    outside(run) {
      outsideDepth += 1;
      try {
        return run();
      } finally {
        outsideDepth -= 1;
      }
    },
    stop: () => {
      for (const restore of undo.splice(0)) restore();
    },
  };
}

/** What `read` reads: for functions of the policy, whose reads are part of the key. */
export function readsOf(req: ExtendedRequest, read: () => unknown): ReadonlySet<string> {
  const reads = watchReads(req, { hideConditions: false });
  try {
    read();
  } finally {
    reads.stop();
  }
  return reads.names;
}

function setHeaders(req: IncomingMessage, headers: IncomingHttpHeaders): void {
  req.headers = headers;
}

const ALL_FIELDS = "all header fields";

function watchHeaders(
  headers: IncomingHttpHeaders,
  noteAny: Note,
  hideConditions: boolean,
): IncomingHttpHeaders {
  const hidden = (name: string | symbol): boolean =>
    hideConditions && typeof name === "string" && CONDITIONAL.has(name);
  const note = (name: string | symbol): void => {
    if (typeof name === "string" && !NEUTRAL.has(name) && !INHERITED.has(name)) noteAny(name);
  };
  return new Proxy(headers, {
    get(target, name) {
      if (hidden(name)) return undefined;
      note(name);
      return Reflect.get(target, name);
    },
    has(target, name) {
      note(name);
      return !hidden(name) && Reflect.has(target, name);
    },
    getOwnPropertyDescriptor(target, name) {
      note(name);
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
    ownKeys(target) {
      noteAny(ALL_FIELDS);
      return Reflect.ownKeys(target);
    },
  });
}

const INHERITED: ReadonlySet<string> = new Set([
  "constructor",
  "hasOwnProperty",
  "toJSON",
  "toString",
  "valueOf",
  "then",
]);

function noted(note: Note, name: string, value: unknown): unknown {
  note(name);
  return value;
}

/** Who asks: a property of it by name, or that there is nobody, or a plain name. */
function watchIdentity(value: unknown, name: string, note: Note): unknown {
  if (typeof value !== "object" || value === null) return noted(note, name, value);
  return watchObject(value, `${name}.`, note);
}

function watchObject(value: unknown, prefix: string, note: Note): unknown {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get(target, name) {
      if (typeof name === "string" && !INHERITED.has(name)) note(prefix + name);
      return propertyOf(target, name);
    },
    set: (target, name, to) => Reflect.set(target, name, to),
    has(target, name) {
      note(prefix + String(name));
      return Reflect.has(target, name);
    },
    getOwnPropertyDescriptor(target, name) {
      note(prefix + String(name));
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
    ownKeys(target) {
      note(`${prefix}*`);
      return Reflect.ownKeys(target);
    },
  });
}

function watchWhole(value: unknown, note: Note): unknown {
  if (typeof value !== "object" || value === null) return noted(note, "session", value);
  return new Proxy(value, {
    get(target, name) {
      note("session");
      return propertyOf(target, name);
    },
    set: (target, name, to) => Reflect.set(target, name, to),
    ownKeys(target) {
      note("session");
      return Reflect.ownKeys(target);
    },
  });
}

function propertyOf(target: object, name: string | symbol): unknown {
  const property: unknown = Reflect.get(target, name);
  if (typeof property !== "function" || name === "constructor") return property;
  const own = Reflect.getOwnPropertyDescriptor(target, name);
  // A proxy must give what is frozen as it is.
  if (own?.configurable === false && own.writable === false) return property;
  // Methods of a class with private fields must see the object itself.
  return property.bind(target);
}

/** Put back with the rest, so that logs show what was asked for. */
function replaceOriginalUrl({ req, undo }: Watch, url: string): void {
  const asked: unknown = Reflect.get(req, "originalUrl");
  if (typeof asked !== "string") return;
  Reflect.set(req, "originalUrl", url);
  undo.push(() => Reflect.set(req, "originalUrl", asked));
}

/** What the key knows already. */
export interface Covered {
  readonly scope: "user" | "role" | "other" | undefined;
  readonly names: ReadonlySet<string>;
}

/** The first name that was read and that the key does not know, or undefined. */
export function uncoveredRead(names: ReadonlySet<string>, covered: Covered): string | undefined {
  for (const name of names) {
    if (covered.names.has(name) || coveredByScope(name, covered.scope)) continue;
    return name;
  }
  return undefined;
}

function coveredByScope(name: string, scope: Covered["scope"]): boolean {
  if (scope === "user") return /^(?:user|auth)(?:\.|$)/.test(name) || name === "authorization";
  return scope === "role" && (name === "user.role" || name === "user.roles");
}
