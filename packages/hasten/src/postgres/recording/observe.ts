/**
 * Records what a program asks of the driver by itself, without coherence.
 *
 * Invariants:
 * - Observing twice is observing once; `close()` leaves every target as it was found.
 * - Nothing is sent to the server, and no statement is changed or waits.
 * - Beside `coherence.watch` on the same target, in either order, each statement is recorded once.
 */
import { type Clock, systemClock } from "../../core/clock.ts";
import { targetInvalid } from "../errors.ts";
import {
  type ClientClass,
  type DriverClient,
  type DriverModule,
  isClient,
  isModule,
  isPool,
} from "../watch/shapes.ts";
import { isDrizzle, observeDrizzle } from "./drizzle.ts";
import { isKnex, observeKnex } from "./knex.ts";
import { observeClient } from "./observed-client.ts";
import { observePool } from "./observed-pool.ts";
import { isSequelize, observeSequelize } from "./sequelize.ts";

export interface ObserveOptions {
  readonly clock?: Clock;
}

/** What is observed, and how to end it. */
export interface Observed<T extends object> {
  /** Use it in the place of what was given: of the `pg` module one like it, else the same object. */
  readonly target: T;
  /** Leaves the target as it was found. Repeated calls do nothing. */
  close(): void;
}

/**
 * Records the statements that go through a `pg.Pool`, a `pg.Client`, the `pg` module (Sequelize's
 * `dialectModule`), a Knex instance, a Drizzle database or a Sequelize instance, in the trace of
 * whoever asks. Of Knex and Drizzle, whose queries are sent when they are awaited, the line that
 * builds a query is the one that asks.
 * @throws HST_PG_OPTION for anything else
 */
export function observe<T extends object>(target: T, options: ObserveOptions = {}): Observed<T> {
  const { clock = systemClock } = options;
  const undo: (() => void)[] = [];
  const seen = observed(target, clock, undo);
  return {
    target: seen as T,
    close() {
      for (const end of undo.splice(0)) end();
    },
  };
}

function observed(target: object, clock: Clock, undo: (() => void)[]): object {
  if (!canBeOne(target)) throw notObservable(target);
  const nested = (inner: object): object => observed(inner, clock, undo);
  if (isKnex(target)) undo.push(observeKnex(target, nested));
  else if (isDrizzle(target)) undo.push(observeDrizzle(target, nested));
  else if (isSequelize(target)) undo.push(observeSequelize(target, nested));
  else if (isModule(target)) return moduleLike(target, clock, undo);
  else if (isPool(target)) undo.push(observePool(target, clock));
  else if (isClient(target)) undo.push(observeClient(target, clock));
  else throw notObservable(target);
  return target;
}

const canBeOne = (target: unknown): boolean =>
  (typeof target === "object" && target !== null) || typeof target === "function";

const modules = new WeakSet<object>();

/** One like the driver's module, whose clients and pools are observed from the first moment. */
function moduleLike(driver: DriverModule, clock: Clock, undo: (() => void)[]): object {
  if (modules.has(driver)) return driver;
  const open = new Map<object, () => void>();
  let isOver = false;
  undo.push(() => {
    isOver = true;
    for (const end of open.values()) end();
    open.clear();
  });
  const Client = class extends (driver.Client as new (config?: unknown) => DriverClient) {
    constructor(config?: unknown) {
      super(config);
      if (isOver) return;
      open.set(this, observeClient(this, clock));
      this.connection?.prependListener("end", () => open.delete(this));
    }
  };
  const Pool = class extends (driver.Pool as new (
    options?: unknown,
  ) => InstanceType<DriverModule["Pool"]>) {
    constructor(options?: unknown) {
      super(options);
      if (!isOver) open.set(this, observePool(this, clock));
    }
  };
  const like = Object.create(driver, {
    Client: { value: Client as unknown as ClientClass, enumerable: true },
    Pool: { value: Pool, enumerable: true },
  }) as object;
  modules.add(like);
  return like;
}

function notObservable(target: unknown): Error {
  const wanted =
    "a pg.Pool, a pg.Client, the pg module, a Knex instance, a Drizzle database or a Sequelize instance";
  return targetInvalid("observe", wanted, target);
}
