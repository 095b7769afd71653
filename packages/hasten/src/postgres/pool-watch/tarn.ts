/**
 * tarn, the pool of Knex, watched by its events.
 *
 * Invariants:
 * - `acquire` gives the pool's own pending operation; with `waitingMax` at its bound it gives one that is
 *   rejected.
 * - Knex asks for a transaction's connection a turn later, when its caller is on no stack: that is taken at
 *   `transaction()`, and belongs to the first connection that is asked for because of it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { addLayer } from "../layers.ts";
import type { Checkout } from "./checkouts.ts";
import { refusedFull } from "./full.ts";
import { isTimeoutError, type PoolPort } from "./port.ts";
import type { TakenStack } from "./stack.ts";
import { cutOff } from "./statements.ts";
import type { Watcher } from "./watcher.ts";

interface Pending {
  readonly promise: Promise<object>;
}
type Acquire = () => Pending;

/** What is used of a pool of tarn. */
export interface TarnPool {
  readonly min: number;
  readonly max: number;
  readonly acquire: Acquire;
  numUsed(): number;
  numFree(): number;
  numPendingAcquires(): number;
  numPendingCreates(): number;
  release(resource: object): unknown;
  on(event: string, listener: (...parts: never[]) => void): unknown;
  removeListener(event: string, listener: (...parts: never[]) => void): unknown;
}

export function isTarnPool(target: object): target is TarnPool {
  const pool = target as Partial<TarnPool>;
  return typeof pool.acquire === "function" && typeof pool.numPendingAcquires === "function";
}

export function tarnPort(pool: TarnPool): PoolPort {
  return {
    kind: "tarn",
    name: "knex",
    counts: () => countsOf(pool),
    isTimeout: isTimeoutError,
    destroy(client) {
      // Knex then finds it invalid when it is to be handed out again.
      (client as { __knex__disposed?: unknown }).__knex__disposed = new Error("taken back");
      cutOff(client);
      pool.release(client);
    },
  };
}

function countsOf(pool: TarnPool): ReturnType<PoolPort["counts"]> {
  const [active, idle] = [pool.numUsed(), pool.numFree()];
  const coming = pool.numPendingCreates();
  const waiting = Math.max(0, pool.numPendingAcquires() - coming - idle);
  return { total: active + idle, idle, active, waiting, min: pool.min, max: pool.max };
}

/** What is used of the client behind a Knex instance. */
export interface KnexClient {
  transaction(...parts: unknown[]): unknown;
}

/** Who began a transaction, until its connection was asked for. */
const beginner = new AsyncLocalStorage<{ stack: TakenStack | undefined }>();

function stackOfBeginner(): TakenStack | undefined {
  const began = beginner.getStore();
  const stack = began?.stack;
  if (began !== undefined) began.stack = undefined;
  return stack;
}

function noticingBeginners(client: KnexClient, watcher: Watcher): () => void {
  return addLayer<KnexClient["transaction"]>(
    client,
    "transaction",
    (below) =>
      (...parts) =>
        beginner.run({ stack: watcher.stack() }, () => Reflect.apply(below, client, parts)),
  );
}

export function watchTarn(
  pool: TarnPool,
  watcher: Watcher,
  client?: KnexClient,
): { release(): void } {
  const asking = new Map<number, Checkout>();
  const undo = [
    addLayer<Acquire>(pool, "acquire", (below) => () => {
      const { waitingMax } = watcher.watching;
      const { active, max, waiting } = countsOf(pool);
      if (waitingMax !== undefined && active >= max && waiting >= waitingMax)
        return rejected(refusedFull(watcher));
      const pending = Reflect.apply(below, pool, []) as Pending;
      watcher.asked();
      return pending;
    }),
    ...listening(pool, watcher, asking),
  ];
  if (typeof client?.transaction === "function") undo.push(noticingBeginners(client, watcher));
  return {
    release() {
      for (const one of undo) one();
      asking.clear();
    },
  };
}

function listening(
  pool: TarnPool,
  watcher: Watcher,
  asking: Map<number, Checkout>,
): (() => void)[] {
  const settled = (id: number): Checkout | undefined => {
    const checkout = asking.get(id);
    asking.delete(id);
    return checkout;
  };
  const listeners = [
    [
      "acquireRequest",
      (id: number) => void asking.set(id, watcher.requested("either", stackOfBeginner())),
    ],
    [
      "acquireSuccess",
      (id: number, client: object) => {
        const checkout = settled(id);
        if (checkout !== undefined) watcher.acquired(checkout, client);
      },
    ],
    [
      "acquireFail",
      (id: number, error: unknown) => {
        const checkout = settled(id);
        if (checkout === undefined) return;
        watcher.failed(checkout, error);
        // It is taken out of the queue after this.
        queueMicrotask(() => watcher.asked());
      },
    ],
    ["release", (client: object) => watcher.returned(client)],
    ["createSuccess", () => watcher.opened()],
    ["destroyRequest", (_id: number, client: object) => watcher.closed(client)],
  ] as const;
  return listeners.map(([event, listener]) => {
    pool.on(event, listener);
    return () => void pool.removeListener(event, listener);
  });
}

function rejected(error: Error): Pending {
  const promise = Promise.reject(error);
  return { promise, abort: () => undefined } as Pending;
}
