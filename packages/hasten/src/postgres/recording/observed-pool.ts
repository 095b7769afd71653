/**
 * A pool of the driver whose statements are recorded: every client that it has and will have.
 *
 * Invariants:
 * - A statement of `pool.query` is recorded at that call: the pool's queue runs in the context of
 *   whoever gave a connection back, and with its stack.
 * - The time that `pool.connect()` takes is the trace's that called it.
 */
import type { Clock } from "../../core/clock.ts";
import { currentTrace } from "../../core/trace/index.ts";
import { addLayer } from "../layers.ts";
import { timedPools } from "../timed-pools.ts";
import type { DriverClient, DriverPool, QueryMethod } from "../watch/shapes.ts";
import { watchedPools } from "../watch/watched-pools.ts";
import { askedNow, layAsked, seenAsked } from "./asked.ts";
import { observeClient } from "./observed-client.ts";
import { recordEnded } from "./record.ts";

export const observedPools: WeakSet<object> = new WeakSet<object>();

type Connected = (error: unknown, client?: unknown, done?: unknown) => void;
type Connect = (callback?: Connected) => unknown;
type Listens = {
  on(event: "connect", listener: (client: DriverClient) => void): unknown;
  removeListener(event: "connect", listener: (client: DriverClient) => void): unknown;
};

/** @returns how to end it */
export function observePool(pool: DriverPool, clock: Clock): () => void {
  if (observedPools.has(pool)) return () => undefined;
  observedPools.add(pool);
  const clients = new Map<DriverClient, () => void>();
  const seen = (client: DriverClient): void => {
    if (clients.has(client)) return;
    const stop = observeClient(client, clock);
    const ended = (): void => void clients.delete(client);
    client.connection?.prependListener("end", ended);
    clients.set(client, () => {
      client.connection?.removeListener("end", ended);
      stop();
    });
  };
  for (const client of pool._clients ?? []) seen(client);
  const events = pool as unknown as Listens;
  events.on("connect", seen);
  const takeAway = [queryLayer(pool, clock), connectLayer(pool, clock)];
  return () => {
    observedPools.delete(pool);
    events.removeListener("connect", seen);
    for (const undo of takeAway) undo();
    for (const stop of clients.values()) stop();
    clients.clear();
  };
}

function queryLayer(pool: DriverPool, clock: Clock): () => void {
  return addLayer(pool, "query", (below: QueryMethod): QueryMethod => {
    return function query(text, values, callback) {
      if (text == null || typeof text === "function" || watchedPools.has(pool))
        return below.call(pool, text, values, callback);
      const before = layAsked(askedNow(clock, text, values) ?? "unrecorded");
      try {
        return below.call(pool, text, values, callback);
      } finally {
        layAsked(before);
      }
    };
  });
}

function connectLayer(pool: DriverPool, clock: Clock): () => void {
  return addLayer(pool, "connect", (below: Connect): Connect => {
    return function connect(callback) {
      const laid = seenAsked();
      if (laid !== undefined && callback !== undefined)
        return below.call(pool, (error, client, done) => {
          if (error) {
            const ended = { nowMs: clock.nowMs(), rows: 0, error, database: "" };
            if (laid !== "unrecorded") recordEnded(laid.record, ended);
            return callback(error, client, done);
          }
          const before = layAsked(laid);
          try {
            callback(error, client, done);
          } finally {
            layAsked(before);
          }
        });
      if (watchedPools.has(pool)) return below.call(pool, callback);
      return checkout(below, pool, { callback, clock });
    };
  });
}

function checkout(
  below: Connect,
  pool: DriverPool,
  { callback, clock }: { callback: Connected | undefined; clock: Clock },
): unknown {
  const log = currentTrace()?.queries;
  if (log === undefined || timedPools.has(pool)) return below.call(pool, callback);
  const calledMs = clock.nowMs();
  const waited = (): void => {
    log.checkoutWaitMs += clock.nowMs() - calledMs;
  };
  if (callback !== undefined)
    return below.call(pool, (error, client, done) => {
      waited();
      callback(error, client, done);
    });
  const connecting = below.call(pool) as Promise<unknown>;
  connecting.then(waited, waited);
  return connecting;
}
