/** Notices clients and pools of `pg` that nobody watches while answers are being made. */
import { currentTrace } from "../../core/trace/index.ts";
import { loadDriver } from "../driver.ts";
import { CAUSES } from "./causes.ts";
import { watchedClients } from "./client.ts";
import { noticed } from "./noticed.ts";
import { exemptSocket } from "./outbound.ts";
import type { DriverModule } from "./shapes.ts";
import { watchedPools } from "./watched-pools.ts";

let users = 0;
let restore: (() => void) | undefined;

/** Shared by everyone who watches: the driver's prototypes are changed once, and changed back. */
export function noticeUnwatched(): { release(): void } {
  users += 1;
  restore ??= patch();
  let released = false;
  return {
    release() {
      if (released) return;
      released = true;
      users -= 1;
      if (users > 0) return;
      restore?.();
      restore = undefined;
    },
  };
}

function patch(): () => void {
  let driver: DriverModule;
  try {
    driver = loadDriver(undefined) as unknown as DriverModule;
  } catch {
    return () => undefined;
  }
  const clients = driver.Client.prototype;
  // pg.Pool binds a client class to pg-pool's own, whose prototype every pool shares.
  const pools = Object.getPrototypeOf(driver.Pool.prototype) as object;
  const wires = driver.Connection.prototype;
  const undo = [
    exemptSockets(wires, "connect", (wire) => (wire as { stream?: unknown }).stream),
    // After TLS began it is another one.
    exemptSockets(wires, "attachListeners", (_wire, stream) => stream),
    before(clients, "query", watchedClients, CAUSES.client),
    before(pools, "connect", watchedPools, CAUSES.pool),
  ];
  return () => {
    for (const back of undo) back();
  };
}

/** What passes the driver's sockets is known by its statements. */
function exemptSockets(
  prototype: object,
  method: string,
  socketOf: (wire: object, given: unknown) => unknown,
): () => void {
  const target = prototype as Record<string, (...parts: unknown[]) => unknown>;
  const original = target[method];
  if (original === undefined) return () => undefined;
  const exempting = function (this: object, ...parts: unknown[]): unknown {
    exemptSocket(socketOf(this, parts[0]) as object | undefined);
    return original.apply(this, parts);
  };
  target[method] = exempting;
  return () => {
    if (target[method] === exempting) target[method] = original;
  };
}

/** Asked at the public call: a pool's queue runs in the context of somebody else. */
function before(on: object, method: string, watched: WeakSet<object>, cause: string): () => void {
  const target = on as Record<string, (...parts: unknown[]) => unknown>;
  const original = target[method];
  if (original === undefined) return () => undefined;
  const noticing = function (this: object, ...parts: unknown[]): unknown {
    if (!watched.has(this)) {
      currentTrace()?.untracked(cause);
      exemptSocket((this as { connection?: { stream?: object } }).connection?.stream);
    }
    return original.apply(this, parts);
  };
  noticed.set(noticing, original);
  target[method] = noticing;
  return () => {
    if (target[method] === noticing) target[method] = original;
  };
}
