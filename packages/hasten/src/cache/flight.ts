import { Chain, type Linked } from "../core/chain.ts";
import type { Trace } from "../core/trace/index.ts";
import type { Entry } from "./entry.ts";
import type { Fill } from "./fill.ts";
import type { Landed, Landing } from "./landing.ts";
import { LoadNotes } from "./load-context.ts";
import { Turn } from "./load-gate.ts";
import type { ResolvedLoad } from "./load-options.ts";
import type { LoadRequest } from "./load-parts.ts";

/** What a waiter makes of the flight it joined, once that has landed. */
export type Wake = (flight: Flight, request: LoadRequest) => unknown;

/**
 * `approach`: it asks Redis, waits for another process or for its turn. `filling`: its caller was
 * answered, and Redis is told what was loaded.
 */
export type Phase = "approach" | "loading" | "filling";

/**
 * One run of one load, and who waits for it. A waiter costs one continuation of the flight's
 * promise: continuations run in the order in which they were added, so that the waiters' chain
 * tells each whose turn it is.
 */
export class Flight implements Landed, Linked<Flight> {
  readonly key: string;
  readonly fill: Fill;
  /** Its load reads in it; undefined where nobody looks. */
  readonly trace: Trace | undefined;
  readonly leader: LoadRequest;
  readonly wanted: ResolvedLoad;
  readonly notes: LoadNotes;
  readonly turn: Turn;
  /** Redis is asked, and told. */
  readonly far: boolean;
  /** When it began; once it loads, when it began to load. */
  startedMs: number;
  phase: Phase;
  /** It is the one that callers of its key look at. */
  listed = false;
  /** Another process had the value. */
  found = false;
  /** What another process had and is not fresh any more. */
  stale: Entry | undefined = undefined;
  /** What its own caller was told. */
  answered: Landing | undefined = undefined;
  /** Set once, when it ends. */
  landing: Landing | undefined = undefined;
  _older: Flight | undefined = undefined;
  _newer: Flight | undefined = undefined;
  #outcome: PromiseWithResolvers<unknown> | undefined = undefined;
  #ended: PromiseWithResolvers<unknown> | undefined = undefined;
  #patience: PromiseWithResolvers<void> | undefined = undefined;
  #impatient = false;
  #wake: (() => unknown) | undefined = undefined;
  #waiters: Chain<LoadRequest> | undefined = undefined;

  constructor(
    request: LoadRequest,
    how: Pick<Flight, "fill" | "trace" | "startedMs" | "far" | "phase">,
  ) {
    this.key = request.key;
    this.fill = how.fill;
    this.trace = how.trace;
    this.leader = request;
    this.wanted = request.options;
    this.notes = new LoadNotes(request.key, request.stale, how);
    this.turn = new Turn(request.nested);
    this.far = how.far;
    this.startedMs = how.startedMs;
    this.phase = how.phase;
  }

  /** What its own caller gets. Made on demand: nobody may wait for a refresh. */
  outcome(): Promise<unknown> {
    if (this.#outcome === undefined) {
      this.#outcome = Promise.withResolvers<unknown>();
      if (this.answered !== undefined) tell(this.#outcome, this.answered);
    }
    return this.#outcome.promise;
  }

  /** What who joined waits for: where Redis is told, that it was. */
  ended(): Promise<unknown> {
    if (!this.far) return this.outcome();
    if (this.#ended === undefined) {
      this.#ended = Promise.withResolvers<unknown>();
      if (this.landing !== undefined) tell(this.#ended, this.landing);
    }
    return this.#ended.promise;
  }

  join(request: LoadRequest, wake: Wake): Promise<unknown> {
    let waiters = this.#waiters;
    if (waiters === undefined) {
      const joined = new Chain<LoadRequest>();
      this.#wake = () => {
        const next = joined.oldest!;
        joined.remove(next);
        return wake(this, next);
      };
      this.#waiters = joined;
      waiters = joined;
    }
    waiters.push(request);
    return this.ended().then(this.#wake, this.#wake);
  }

  /** Another process's value that is not fresh any more: for whoever waits and has none. */
  offer(stale: Entry): void {
    this.stale = stale;
    this.notes.previous ??= stale;
    if (this.leader.stale === undefined) this.leader.offer(stale);
    for (let one = this.#waiters?.oldest; one !== undefined; one = one._newer)
      if (one.stale === undefined) one.offer(stale);
  }

  /** Its load does not start in this turn of the event loop, nor the next. */
  delayed(): void {
    this.leader.onDelay?.();
  }

  /** Resolves when it has waited for others long enough. */
  patience(): Promise<void> {
    this.#patience ??= Promise.withResolvers<void>();
    if (this.#impatient) this.#patience.resolve();
    return this.#patience.promise;
  }

  get impatient(): boolean {
    return this.#impatient;
  }

  /** It goes on by itself. False where it does, or already was to. */
  outwait(): boolean {
    if (this.phase !== "approach" || this.#impatient) return false;
    this.#impatient = true;
    this.#patience?.resolve();
    return true;
  }

  /** Its own caller goes on; who joined waits for `land`. */
  answer(landing: Landing): void {
    this.answered = landing;
    if (this.#outcome !== undefined) tell(this.#outcome, landing);
  }

  land(landing: Landing): void {
    this.landing = landing;
    if (this.#ended !== undefined) tell(this.#ended, landing);
    this.#patience?.resolve();
  }
}

function tell(promise: PromiseWithResolvers<unknown>, landing: Landing): void {
  if (landing.kind === "loaded") promise.resolve(landing.value);
  else promise.reject(landing.error);
}
