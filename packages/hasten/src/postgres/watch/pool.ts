/**
 * A pool of the driver, watched: every client that it has and will have, and its own calls.
 *
 * Invariant: `pool.query` gives its connection back as soon as the server answered; its caller is
 * told when the write has settled.
 */

import { recordAsked } from "../recording/asked.ts";
import { carriage, inCallersContext, layDown, newTicket, seenTicket } from "./carry.ts";
import { watchClient } from "./client.ts";
import { puttingBack } from "./put-back.ts";
import { uncaught } from "./query.ts";
import type { Ticket } from "./run.ts";
import type { Family } from "./session-state.ts";
import type { Callback, ClientClass, DriverClient, DriverPool } from "./shapes.ts";
import { watchedPools } from "./watched-pools.ts";
import type { Watching } from "./watching.ts";

/** A client class whose clients are watched from the first moment. */
export function watchedClass(
  Base: ClientClass,
  watching: Watching,
  family: Family,
): { Client: ClientClass; release(): void } {
  const open = new Map<DriverClient, { release(): void }>();
  let over = false;
  const Client = class extends (Base as new (config?: unknown) => DriverClient) {
    constructor(config?: unknown) {
      super(config);
      if (over) return;
      open.set(this, watchClient(this, watching, family));
      this.connection.prependListener("end", () => open.delete(this));
    }
  };
  return {
    Client: Client as unknown as ClientClass,
    release() {
      over = true;
      for (const watched of open.values()) watched.release();
      open.clear();
    },
  };
}

export function watchPool(pool: DriverPool, watching: Watching): { release(): void } {
  const family: Family = { display: undefined, ofPool: carriage.atPublicCall };
  const { Client: Base, query, connect } = pool;
  const made = watchedClass(Base, watching, family);
  const found = (pool._clients ?? []).map((client) => watchClient(client, watching, family));
  const putBack = puttingBack(pool, ["Client", "connect", "query"]);
  pool.Client = made.Client;
  pool.connect = (callback) => {
    if (callback === undefined) return connect.call(pool);
    const ticket = carriage.atPublicCall ? seenTicket() : undefined;
    if (ticket === undefined) return connect.call(pool, inCallersContext(callback));
    return connect.call(pool, (error, client, done) => {
      const before = layDown(ticket);
      try {
        callback(error, client, done);
      } finally {
        layDown(before);
      }
    });
  };
  pool.query = (text, values, callback) => {
    if (typeof text === "function" || !carriage.atPublicCall)
      return query.call(pool, text, values, callback);
    const told = typeof values === "function" ? values : callback;
    const given = typeof values === "function" ? undefined : values;
    const ticket = newTicket(recordAsked(watching.clock, text, given));
    const send = (done: Callback): unknown => {
      const before = layDown(ticket);
      try {
        return query.call(pool, text, given, done);
      } finally {
        layDown(before);
      }
    };
    if (typeof told === "function") {
      const tell = inCallersContext(told as Callback);
      return send((error, result) => afterwards(ticket, () => tell(error, result)));
    }
    const PromiseClass = pool.Promise ?? Promise;
    return new PromiseClass((resolve, reject) => {
      send((error, result) => afterwards(ticket, () => (error ? reject(error) : resolve(result))));
    }).catch((error: unknown) => {
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    });
  };
  watchedPools.add(pool);
  return {
    release() {
      watchedPools.delete(pool);
      putBack();
      made.release();
      for (const watched of found) watched.release();
    },
  };
}

function afterwards(ticket: Ticket, tell: () => void): void {
  if (ticket.wait === undefined) tell();
  else void ticket.wait.then(tell).catch(uncaught);
}
