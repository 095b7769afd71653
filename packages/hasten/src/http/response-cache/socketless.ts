/**
 * A copy of a request and a response without a socket, to run a handler for nobody.
 *
 * Invariants:
 * - The copy has what identifies the request (method, URL, fields, parameters) and what earlier
 *   middleware attached (user, …); conditions are left out, so that the answer is whole.
 * - Touching the socket or the body is noted: such a handler cannot be run this way.
 */
import { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ExtendedRequest } from "./reads.ts";

export interface Socketless {
  readonly req: ExtendedRequest;
  readonly res: ServerResponse;
  /** "the socket" or "the request body" once the handler touched it. */
  readonly touched: string | undefined;
}

const LEFT_OUT = new Set(["if-none-match", "if-modified-since", "if-range", "range"]);

/** @param whole also copies what middleware attached; without, the application starts afresh */
export function socketlessExchange(original: ExtendedRequest, whole: boolean): Socketless {
  let touched: string | undefined;
  const touch = (what: string): void => {
    touched ??= what;
  };
  const req = copyRequest(original, whole, touch);
  const res = socketlessResponse(req);
  if (whole) {
    Object.setPrototypeOf(req, Object.getPrototypeOf(original));
    const from = (original as { res?: ServerResponse & { locals?: object } }).res;
    if (from !== undefined) {
      Object.setPrototypeOf(res, Object.getPrototypeOf(from));
      Object.assign(res, { req, locals: { ...from.locals } });
      Object.assign(req, { res });
    }
  }
  return {
    req,
    res,
    get touched() {
      return touched;
    },
  };
}

function copyRequest(
  original: ExtendedRequest,
  whole: boolean,
  touch: (what: string) => void,
): ExtendedRequest {
  const req: ExtendedRequest = new IncomingMessage(null as unknown as Socket);
  const own = new Set(Object.keys(req));
  req.method = "GET";
  const { originalUrl } = original as { originalUrl?: string };
  req.url = (whole ? original.url : (originalUrl ?? original.url)) ?? "/";
  req.httpVersion = "1.1";
  req.httpVersionMajor = 1;
  req.httpVersionMinor = 1;
  for (let at = 0; at < original.rawHeaders.length; at += 2) {
    const name = original.rawHeaders[at]!;
    if (!LEFT_OUT.has(name.toLowerCase())) req.rawHeaders.push(name, original.rawHeaders[at + 1]!);
  }
  const headers = { ...original.headers };
  for (const name of LEFT_OUT) delete headers[name];
  req.headers = headers;
  if (whole) copyAttached(original, req, own);
  req.push(null);
  req.complete = true;
  watch(req, touch);
  return req;
}

/** What middleware attached: parameters, user, identifiers. Not the connection, not functions of it. */
function copyAttached(from: ExtendedRequest, to: ExtendedRequest, own: ReadonlySet<string>): void {
  for (const name of Object.keys(from)) {
    if (own.has(name) || NOT_COPIED.has(name)) continue;
    Reflect.set(to, name, Reflect.get(from, name));
  }
}

const NOT_COPIED = new Set(["res", "next", "body", "socket", "connection", "client", "headers"]);

function watch(req: ExtendedRequest, touch: (what: string) => void): void {
  for (const name of ["socket", "connection"]) {
    Object.defineProperty(req, name, {
      configurable: true,
      get() {
        touch("the socket");
        return undefined;
      },
    });
  }
  const { on, read } = req;
  Object.assign(req, {
    on(event: string, listener: (...args: unknown[]) => void) {
      if (event === "data" || event === "readable") touch("the request body");
      return on.call(req, event, listener);
    },
    read(...args: [number?]) {
      touch("the request body");
      return read.apply(req, args);
    },
  });
}

/** Accepts everything and keeps nothing: the recorder on top of it keeps what it needs. */
function socketlessResponse(req: ExtendedRequest): ServerResponse {
  const res = new ServerResponse(req);
  let sent = false;
  Object.defineProperty(res, "headersSent", { configurable: true, get: () => sent });
  const head = (): void => {
    if (sent) return;
    // Hooks on writeHead run here too, as they would for a client.
    res.writeHead(res.statusCode);
  };
  Object.assign(res, {
    // Node asks the request's socket for this on every field: that is not the handler touching it.
    _isLenientHeaderValidation: () => false,
    writeHead(status: number) {
      res.statusCode = status;
      sent = true;
      return res;
    },
    flushHeaders: head,
    write(...args: unknown[]) {
      head();
      callLast(args);
      return true;
    },
    end(...args: unknown[]) {
      if (res.finished) return res;
      head();
      res.finished = true;
      process.nextTick(() => {
        callLast(args);
        res.emit("finish");
        res.emit("close");
      });
      return res;
    },
  });
  return res;
}

function callLast(args: readonly unknown[]): void {
  const last = args.at(-1);
  if (typeof last === "function") last();
}
