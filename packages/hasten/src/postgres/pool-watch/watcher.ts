/**
 * What is known of one pool, from what its adapter tells.
 *
 * Invariants:
 * - Each request ends once: `acquired` or `failed`. What was acquired ends once: `returned`.
 * - Nothing that is told here changes what the pool does; what listeners throw reaches nobody's call.
 * - Bounded: as many checkouts as the pool has connections, two histograms of 7 KiB, twelve slots.
 */
import { channels } from "../../core/channels.ts";
import { createHistogram } from "../../core/histogram.ts";
import { tell } from "../../core/tell.ts";
import { currentTrace } from "../../core/trace/index.ts";
import { reasonOf } from "../failures.ts";
import { type Checkout, Checkouts } from "./checkouts.ts";
import type { Watching } from "./options.ts";
import type { PoolPort } from "./port.ts";
import { Sampling } from "./sampling.ts";
import { sizeHint } from "./size-hint.ts";
import type { TakenStack } from "./stack.ts";
import { cutOff, Statements } from "./statements.ts";
import type {
  CheckoutKind,
  CheckoutReport,
  PoolReport,
  PoolWatchEvent,
  RefusedEvent,
} from "./types.ts";
import { Usage, type UsageSummary } from "./usage.ts";
import { Waiting } from "./waiting.ts";

type Told<Event> = Event extends unknown ? Omit<Event, "pool"> : never;
const MS_PER_MINUTE = 60_000;

export class Watcher {
  readonly name: string;
  readonly watching: Watching;
  /** Nobody watches any more. */
  isOver = false;
  readonly #port: PoolPort;
  readonly #checkouts: Checkouts;
  readonly #statements = new Statements();
  readonly #waiting: Waiting;
  readonly #usage: Usage;
  readonly #sampling: Sampling;
  readonly #wait = createHistogram();
  readonly #hold = createHistogram();
  readonly #counts = {
    ...{ acquired: 0, timeouts: 0, failed: 0, shed: 0, opened: 0, closed: 0 },
    ...{ returnedBusy: 0, returnedInTransaction: 0 },
  };

  constructor(port: PoolPort, watching: Watching) {
    this.#port = port;
    this.watching = watching;
    this.name = watching.name ?? port.name;
    const { clock } = watching;
    this.#usage = new Usage(watching.windowMs, clock.nowMs());
    this.#sampling = new Sampling(watching);
    this.#waiting = new Waiting(clock, (event) => this.#tell(event));
    this.#checkouts = new Checkouts({
      watching,
      statements: this.#statements,
      tell: (event) => {
        if (event.kind === "leak" && event.checkout.site === undefined) this.#sampling.takeAll();
        this.#tell(event);
      },
      destroy: (client) => (port.destroy === undefined ? cutOff(client) : port.destroy(client)),
    });
  }

  /** The stack of whoever is about to ask, if it is to be taken. */
  stack(): TakenStack | undefined {
    return this.#sampling.stack(this.watching.clock.nowMs());
  }

  /**
   * Somebody asks for a connection. Call it synchronously, so that the stack leads there.
   * @param from the stack, where it was taken before
   */
  requested(kind: CheckoutKind, from?: TakenStack): Checkout {
    const nowMs = this.watching.clock.nowMs();
    this.#usage.arrived(nowMs);
    const stack = kind === "query" ? undefined : (from ?? this.#sampling.stack(nowMs));
    return {
      ...{ kind, requestedMs: nowMs, stack, trace: currentTrace() },
      ...{ id: 0, client: undefined, takenMs: 0, takenWallMs: 0 },
      ...{ warned: false, leaked: false, destroyed: false, long: false },
    };
  }

  /** The pool was asked, and perhaps has none to give. */
  asked(): void {
    const depth = this.#port.counts().waiting;
    if (depth > 0 || this.#waiting.lasts) this.#depth(depth);
  }

  acquired(checkout: Checkout, client: object): void {
    const nowMs = this.watching.clock.nowMs();
    this.#wait.record(nowMs - checkout.requestedMs);
    this.#counts.acquired += 1;
    // One that comes back unseen is taken by somebody else now.
    if (this.#checkouts.of(client) !== undefined) this.returned(client);
    this.#usage.taken(nowMs);
    this.#statements.follow(client);
    this.#checkouts.taken(checkout, client, nowMs);
    if (this.#waiting.lasts) this.asked();
  }

  failed(checkout: Checkout, error: unknown): void {
    const kind = this.#port.isTimeout(error) ? "acquire-timeout" : "acquire-failed";
    if (kind === "acquire-timeout") this.#counts.timeouts += 1;
    else this.#counts.failed += 1;
    this.#refused(kind, checkout.requestedMs, becauseOf(error));
  }

  /** Refused before the pool was asked: too many wait. */
  shed(): void {
    this.#counts.shed += 1;
    this.#refused("shed", this.watching.clock.nowMs(), "too many callers wait already");
  }

  /** It is back, or gone. What was not seen to be taken is not missed. */
  returned(client: object): void {
    const checkout = this.#checkouts.returned(client);
    if (checkout === undefined) return;
    const nowMs = this.watching.clock.nowMs();
    const heldMs = nowMs - checkout.takenMs;
    this.#usage.returned(nowMs, heldMs);
    this.#hold.record(heldMs);
  }

  /** It is about to come back in a state that its next user should not find. */
  returnedAs(
    kind: "returned-busy" | "returned-in-transaction",
    client: object,
    destroyed: boolean,
  ): void {
    if (kind === "returned-busy") this.#counts.returnedBusy += 1;
    else this.#counts.returnedInTransaction += 1;
    const checkout = this.#checkouts.of(client);
    if (checkout === undefined) return;
    this.#tell({ kind, destroyed, checkout: this.#checkouts.report(checkout) });
  }

  opened(): void {
    this.#counts.opened += 1;
    this.#usage.counted(this.watching.clock.nowMs(), "opened");
  }

  closed(client: object): void {
    this.returned(client);
    this.#counts.closed += 1;
    this.#usage.counted(this.watching.clock.nowMs(), "closed");
  }

  checkouts(): readonly CheckoutReport[] {
    return this.#checkouts.list();
  }

  report(): PoolReport {
    const { clock, windowMs, utilisationTarget: target } = this.watching;
    const counts = this.#port.counts();
    if (this.#waiting.lasts) this.#depth(counts.waiting);
    const usage = this.#usage.summary(clock.nowMs());
    const perMinute = (count: number): number =>
      usage.spanMs > 0 ? (count / usage.spanMs) * MS_PER_MINUTE : 0;
    return {
      ...{ pool: this.name, kind: this.#port.kind, atWallMs: clock.wallMs(), ...counts },
      utilisation: counts.active / counts.max,
      utilisationMean: usage.busyMean / counts.max,
      utilisationTarget: target,
      windowMs,
      oldest: this.#checkouts.oldest(),
      ...this.#counts,
      leaks: this.#checkouts.leaks,
      leaksOut: this.#checkouts.leaksOut,
      waitings: this.#waiting.count,
      openedPerMinute: perMinute(usage.opened),
      closedPerMinute: perMinute(usage.closed),
      wait: this.#wait.distribution(),
      hold: this.#hold.distribution(),
      size: this.#hint(counts.max, usage),
    };
  }

  close(): void {
    this.isOver = true;
    this.#checkouts.close();
    this.#waiting.close();
    this.#statements.close();
  }

  #hint(max: number, usage: UsageSummary): PoolReport["size"] {
    const p95HoldMs = this.#hold.percentile(95);
    const waited = usage.waited || this.#waiting.lasts;
    const { utilisationTarget: target } = this.watching;
    return sizeHint({ ...usage, max, target, p95HoldMs, waited });
  }

  #refused(kind: RefusedEvent["kind"], sinceMs: number, because: string): void {
    this.#tell({ kind, waitMs: this.watching.clock.nowMs() - sinceMs, because });
    if (this.#waiting.lasts) this.asked();
  }

  #depth(depth: number): void {
    if (this.#waiting.depth(depth)) this.#usage.counted(this.watching.clock.nowMs(), "waits");
  }

  #tell(told: Told<PoolWatchEvent>): void {
    const event = { pool: this.name, ...told } as PoolWatchEvent;
    if (channels.poolWatch.hasSubscribers) channels.poolWatch.publish(event);
    tell(this.watching.onEvent, event);
  }
}

/** What hasten says itself has no secrets; of others only what is known to have none. */
function becauseOf(error: unknown): string {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return name === "PostgresError" ? String(code) : reasonOf(error);
}
