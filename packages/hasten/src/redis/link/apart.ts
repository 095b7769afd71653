/**
 * Connections whose traffic counts for no answer: what a cache keeps in Redis is looked after by the
 * cache itself, and a request that asks it has read nothing yet.
 */
import { isTracing, ownTraffic, untraced } from "../../core/trace/index.ts";
import type { RedisConnection, RedisDriver } from "../types.ts";

export function apartFromAnswers(driver: RedisDriver): RedisDriver {
  return {
    name: driver.name,
    connect: (options) => ownTraffic(async () => apart(await driver.connect(options))),
  };
}

function apart(connection: RedisConnection): RedisConnection {
  return {
    get address() {
      return connection.address;
    },
    // Before the first trace nobody can take it for anything else.
    call: (words) =>
      isTracing() ? ownTraffic(() => connection.call(words)) : connection.call(words),
    standing: async () => await ownTraffic(async () => await connection.standing?.()),
    // Whoever is told goes on with work of its own.
    onLost: (listener) => connection.onLost((because) => untraced(() => listener(because))),
    close: () => ownTraffic(() => connection.close()),
  };
}
