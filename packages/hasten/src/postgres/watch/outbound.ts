/**
 * Notices what answers are made of besides PostgreSQL: HTTP of others, other databases.
 *
 * Invariants:
 * - HTTP is noticed when a request is made, in the context of who makes it.
 * - Any other client socket is noticed when something is written to it inside a trace. From then on
 *   its address is a source of data: clients queue, and a write to it in whatever context makes
 *   every open trace untracked.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Socket } from "node:net";
import { currentTrace, isOwnTraffic, readAdrift } from "../../core/trace/index.ts";

const ADDRESSES_MAX = 1_000;
const HTTP = "http.client.request.start";
const FETCH = "undici:request:create";
const FETCH_CONNECTED = "undici:client:connected";

interface Listening {
  readonly allow: ReadonlySet<string>;
}

const listening = new Set<Listening>();
const exempt = new WeakSet<object>();
const addresses = new Set<string>();
let restore: (() => void) | undefined;

/** Shared by everyone who watches. A host is allowed if any of them allows it. */
export function watchOutbound(allow: ReadonlySet<string>): { release(): void } {
  const mine: Listening = { allow };
  listening.add(mine);
  restore ??= listen();
  return {
    release() {
      listening.delete(mine);
      if (listening.size > 0) return;
      restore?.();
      restore = undefined;
      addresses.clear();
    },
  };
}

/** The driver's own socket: what passes it is known. */
export function exemptSocket(socket: object | undefined): void {
  if (socket !== undefined) exempt.add(socket);
}

function listen(): () => void {
  const http = (message: unknown): void => {
    const { host } = (message as { request: { host?: string } }).request;
    noticeHttp(host ?? "");
  };
  const fetched = (message: unknown): void => {
    const { origin } = (message as { request: { origin?: unknown } }).request;
    noticeHttp(URL.parse(String(origin))?.host ?? "");
  };
  const connected = (message: unknown): void =>
    exemptSocket((message as { socket?: object }).socket);
  subscribe(HTTP, http);
  subscribe(FETCH, fetched);
  subscribe(FETCH_CONNECTED, connected);
  const unpatch = patchWrites();
  return () => {
    unsubscribe(HTTP, http);
    unsubscribe(FETCH, fetched);
    unsubscribe(FETCH_CONNECTED, connected);
    unpatch();
  };
}

function noticeHttp(host: string): void {
  const trace = currentTrace();
  if (trace !== undefined && !isAllowed(host)) trace.untracked(`outbound HTTP to ${host}`);
}

type Write = (...parts: unknown[]) => boolean;

function patchWrites(): () => void {
  const prototype = Socket.prototype as unknown as { write?: Write };
  const own = Object.getOwnPropertyDescriptor(prototype, "write");
  const original = prototype.write!;
  const noticing: Write = function (this: ClientSocket, ...parts) {
    if (this.server == null) noticeWrite(this);
    return original.apply(this, parts);
  };
  prototype.write = noticing;
  return () => {
    if (prototype.write !== noticing) return;
    if (own === undefined) delete prototype.write;
    else Object.defineProperty(prototype, "write", own);
  };
}

interface ClientSocket {
  /** Set on sockets that a server accepted. */
  readonly server?: unknown;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly _host?: string;
  /** Set while Node's own HTTP client uses it. */
  readonly _httpMessage?: unknown;
  readonly connecting?: boolean;
}

function noticeWrite(socket: ClientSocket): void {
  if (exempt.has(socket) || socket._httpMessage != null) return;
  const trace = currentTrace();
  if (trace === undefined && addresses.size === 0) return;
  const { remoteAddress, remotePort, _host } = socket;
  if (remoteAddress === undefined || isOwnTraffic()) return;
  const address = `${remoteAddress}:${remotePort}`;
  if (trace === undefined && !addresses.has(address)) return;
  if (isAllowed(address) || (_host !== undefined && isAllowed(`${_host}:${remotePort}`))) return;
  const cause = `a connection to ${_host ?? remoteAddress}:${remotePort}, which is no watched database (allow it if its answers do not matter)`;
  if (addresses.size < ADDRESSES_MAX) addresses.add(address);
  trace?.untracked(cause);
  readAdrift(cause);
}

function isAllowed(host: string): boolean {
  const bare = host.replace(/:\d+$/, "");
  for (const { allow } of listening) if (allow.has(host) || allow.has(bare)) return true;
  return false;
}
