/**
 * The connections that are out of a pool, and which of them are conspicuous.
 *
 * Invariants:
 * - A checkout is listed from when it was handed out until it is given back or its connection is gone.
 * - It is told as a leak once, when it passes leakMs, and once more when it comes back; a `query` never.
 * - One that the library above takes for each statement (`either`) is a leak when no statement runs on it;
 *   until then it is looked at again every RECHECK_MS.
 * - One timer at most, and none while nothing is out; taking and giving back set one at most every
 *   few seconds, however many there are.
 */
import type { Clock, Timer } from "../../core/clock.ts";
import type { Trace } from "../../core/trace/index.ts";
import type { Watching } from "./options.ts";
import { linesOf, type TakenStack } from "./stack.ts";
import { doing, isBusy, type Statements } from "./statements.ts";
import type { CheckoutEvent, CheckoutKind, CheckoutReport } from "./types.ts";

const RECHECK_MS = 1_000;

/** Somebody who asked for a connection, and then has it. */
export interface Checkout {
  readonly kind: CheckoutKind;
  readonly requestedMs: number;
  readonly stack: TakenStack | undefined;
  readonly trace: Trace | undefined;
  id: number;
  client: object | undefined;
  takenMs: number;
  takenWallMs: number;
  /** What was told of it. */
  warned: boolean;
  leaked: boolean;
  destroyed: boolean;
  long: boolean;
}

export interface Surroundings {
  readonly watching: Watching;
  readonly statements: Statements;
  readonly tell: (event: Omit<CheckoutEvent, "pool">) => void;
  /** Destroys the connection of a checkout, where its pool can. */
  readonly destroy: (client: object) => void;
}

export class Checkouts {
  readonly #around: Surroundings;
  readonly #clock: Clock;
  readonly #out = new Map<object, Checkout>();
  #lastId = 0;
  #timer: Timer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  leaks = 0;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#clock = around.watching.clock;
  }

  get size(): number {
    return this.#out.size;
  }

  get leaksOut(): number {
    let count = 0;
    for (const one of this.#out.values()) if (one.leaked) count += 1;
    return count;
  }

  taken(checkout: Checkout, client: object, nowMs: number): void {
    this.#lastId += 1;
    checkout.id = this.#lastId;
    checkout.client = client;
    checkout.takenMs = nowMs;
    checkout.takenWallMs = this.#clock.wallMs();
    this.#out.set(client, checkout);
    this.#plan(this.#nextMs(checkout), nowMs);
  }

  of(client: object): Checkout | undefined {
    return this.#out.get(client);
  }

  returned(client: object): Checkout | undefined {
    const checkout = this.#out.get(client);
    if (checkout === undefined) return undefined;
    this.#out.delete(client);
    if (checkout.leaked)
      this.#around.tell({ kind: "leak-returned", checkout: this.report(checkout) });
    return checkout;
  }

  list(): CheckoutReport[] {
    return [...this.#out.values()].map((checkout) => this.report(checkout));
  }

  oldest(): CheckoutReport | undefined {
    const [first] = this.#out.values();
    return first === undefined ? undefined : this.report(first);
  }

  report(checkout: Checkout): CheckoutReport {
    const { id, kind, requestedMs, takenMs, takenWallMs, client, trace } = checkout;
    const stack = linesOf(checkout.stack);
    return {
      id,
      kind,
      ageMs: this.#clock.nowMs() - takenMs,
      waitMs: takenMs - requestedMs,
      takenWallMs,
      site: stack[0],
      stack,
      doing: doing(client!),
      statement: this.#around.statements.last(client!),
      pid: pidOf(client!),
      trace: trace?.name,
    };
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#out.clear();
  }

  #plan(dueMs: number, nowMs: number): void {
    if (dueMs >= this.#dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#clock.schedule(Math.max(1, dueMs - nowMs), () => this.#look());
  }

  #look(): void {
    const nowMs = this.#clock.nowMs();
    this.#timer = undefined;
    this.#dueMs = Number.POSITIVE_INFINITY;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const checkout of this.#out.values()) {
      this.#judge(checkout, nowMs);
      nextMs = Math.min(nextMs, this.#nextMs(checkout));
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#plan(Math.max(nextMs, nowMs + 1), nowMs);
  }

  #judge(checkout: Checkout, nowMs: number): void {
    const { leakMs, warnMs, longQueryMs, destroyAfterMs } = this.#around.watching;
    const ageMs = nowMs - checkout.takenMs;
    const passed = (limitMs: number): boolean => limitMs > 0 && ageMs >= limitMs;
    if (checkout.kind === "query") {
      if (passed(longQueryMs) && !checkout.long) this.#tell("query-long", checkout);
      checkout.long ||= passed(longQueryMs);
      return;
    }
    if (passed(leakMs)) {
      if (!checkout.leaked && this.#mayTell(checkout)) {
        checkout.leaked = true;
        this.leaks += 1;
        this.#tell("leak", checkout);
      }
    } else if (passed(warnMs) && !checkout.warned) {
      checkout.warned = true;
      this.#tell("held-long", checkout);
    }
    if (!passed(destroyAfterMs) || !checkout.leaked || checkout.destroyed) return;
    checkout.destroyed = true;
    this.#tell("leak-destroyed", checkout);
    this.#around.destroy(checkout.client!);
  }

  /** A statement that runs long is no leak: it is told as what it is, and looked at again. */
  #mayTell(checkout: Checkout): boolean {
    if (checkout.kind === "held" || !isBusy(checkout.client!)) return true;
    if (!checkout.long) this.#tell("query-long", checkout);
    checkout.long = true;
    return false;
  }

  /** When it is to be looked at next; never: Infinity. */
  #nextMs(checkout: Checkout): number {
    const { leakMs, warnMs, longQueryMs, destroyAfterMs } = this.#around.watching;
    const { takenMs } = checkout;
    if (checkout.kind === "query")
      return longQueryMs === 0 || checkout.long ? Number.POSITIVE_INFINITY : takenMs + longQueryMs;
    if (checkout.leaked)
      return destroyAfterMs === 0 || checkout.destroyed
        ? Number.POSITIVE_INFINITY
        : takenMs + destroyAfterMs;
    if (checkout.long) return this.#clock.nowMs() + RECHECK_MS;
    if (warnMs > 0 && !checkout.warned) return takenMs + warnMs;
    return takenMs + leakMs;
  }

  #tell(kind: CheckoutEvent["kind"], checkout: Checkout): void {
    this.#around.tell({ kind, checkout: this.report(checkout) });
  }
}

function pidOf(client: object): number | undefined {
  const { processID } = client as { readonly processID?: unknown };
  return typeof processID === "number" ? processID : undefined;
}
