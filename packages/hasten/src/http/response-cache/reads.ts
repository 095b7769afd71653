/**
 * Which inputs a handler reads, so that a response that depends on one of them without the key
 * knowing it is not shared (coherence §6).
 *
 * Watched on misses only: request fields, cookies, `user`, `session`, `ip`. Names look like
 * `accept-language`, `cookie:theme`, `user.id`, `session`, `ip`.
 */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/** A request as frameworks extend it. Only these properties are looked at. */
export interface ExtendedRequest extends IncomingMessage {
  user?: unknown;
  session?: unknown;
  cookies?: unknown;
  signedCookies?: unknown;
}

export interface Reads {
  readonly names: ReadonlySet<string>;
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
}

/** Starts recording. Call `stop` when the response is complete. */
export function watchReads(req: ExtendedRequest, options: WatchOptions): Reads {
  const names = new Set<string>();
  const headers = req.headers;
  const undo: (() => void)[] = [() => setHeaders(req, headers)];
  setHeaders(req, watchHeaders(headers, names, options.hideConditions));
  replace(req, "cookies", (value) => watchObject(value, "cookie:", names), undo);
  replace(req, "signedCookies", (value) => watchObject(value, "cookie:", names), undo);
  replace(req, "user", (value) => watchObject(value, "user.", names), undo);
  replace(req, "session", (value) => watchWhole(value, "session", names), undo);
  watchIp(req, names, undo);
  return {
    names,
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

function watchHeaders(
  headers: IncomingHttpHeaders,
  names: Set<string>,
  hideConditions: boolean,
): IncomingHttpHeaders {
  const hidden = (name: string | symbol): boolean =>
    hideConditions && typeof name === "string" && CONDITIONAL.has(name);
  const note = (name: string | symbol): void => {
    if (typeof name === "string" && !NEUTRAL.has(name) && !INHERITED.has(name)) names.add(name);
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
      names.add("all header fields");
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

function watchObject(value: unknown, prefix: string, names: Set<string>): unknown {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return new Proxy(value, {
    get(target, name) {
      if (typeof name === "string" && !INHERITED.has(name)) names.add(prefix + name);
      const property: unknown = Reflect.get(target, name);
      // Methods of a class with private fields must see the object itself.
      return typeof property === "function" ? property.bind(target) : property;
    },
    has(target, name) {
      names.add(prefix + String(name));
      return Reflect.has(target, name);
    },
    ownKeys(target) {
      names.add(`${prefix}*`);
      return Reflect.ownKeys(target);
    },
  });
}

function watchWhole(value: unknown, name: string, names: Set<string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get(target, property) {
      names.add(name);
      const found: unknown = Reflect.get(target, property);
      return typeof found === "function" ? found.bind(target) : found;
    },
    ownKeys(target) {
      names.add(name);
      return Reflect.ownKeys(target);
    },
  });
}

type Watched = "cookies" | "signedCookies" | "user" | "session";

function replace(
  req: ExtendedRequest,
  name: Watched,
  watch: (value: unknown) => unknown,
  undo: (() => void)[],
): void {
  const descriptor = Object.getOwnPropertyDescriptor(req, name);
  // Accessors (lazy sessions) are left alone: reading one could have effects.
  if (descriptor === undefined || !("value" in descriptor) || !descriptor.writable) return;
  const original: unknown = descriptor.value;
  const watched = watch(original);
  if (watched === original) return;
  req[name] = watched;
  // The handler may have replaced it; then its value stays.
  undo.push(() => {
    if (req[name] === watched) req[name] = original;
  });
}

function watchIp(req: ExtendedRequest, names: Set<string>, undo: (() => void)[]): void {
  for (const name of ["ip", "ips"]) {
    if (Object.hasOwn(req, name) || !(name in req)) continue;
    const prototype: object = Object.getPrototypeOf(req);
    Object.defineProperty(req, name, {
      configurable: true,
      get() {
        names.add("ip");
        return Reflect.get(prototype, name, req);
      },
    });
    undo.push(() => Reflect.deleteProperty(req, name));
  }
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
  if (scope === "user") return name.startsWith("user.") || name === "authorization";
  return scope === "role" && (name === "user.role" || name === "user.roles");
}
