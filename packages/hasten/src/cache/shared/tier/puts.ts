/**
 * Values set by hand that wait for room on the way to Redis, and those that are on it.
 *
 * Invariants:
 * - Of one key the newest waits, and never beside one that is on its way: the last set is the last
 *   to arrive (a script that had to be loaded may be executed after one that was sent later).
 * - What was invalidated after it was set does not go out any more.
 * - At most `PUTS_MAX` wait, of at most `PUTS_BYTES_MAX` together.
 */
import { prefixesOf } from "../../fence.ts";
import type { PutRequest } from "../protocol/types.ts";
import { type Named, names } from "./names.ts";
import type { Ticket } from "./ticket.ts";

export interface WaitingPut {
  readonly request: PutRequest;
  readonly tickets: readonly Ticket[];
}

const PUTS_MAX = 10_000;
const PUTS_BYTES_MAX = 16 * 1_024 * 1_024;

export class Puts {
  readonly #waiting = new Map<string, WaitingPut>();
  readonly #sent = new Map<
    string,
    { readonly request: PutRequest; readonly done: Promise<unknown> }
  >();
  #bytes = 0;

  /** That wait. */
  get size(): number {
    return this.#waiting.size;
  }

  waits(key: string): boolean {
    return this.#waiting.has(key);
  }

  onItsWay(key: string): boolean {
    return this.#sent.has(key);
  }

  /** False where there is no room; then nothing of its key waits. */
  hold(request: PutRequest, ticket: Ticket): boolean {
    const former = this.#take(request.key);
    for (const one of former?.tickets ?? []) one.later();
    const bytes = bytesOf(request);
    if (this.#waiting.size >= PUTS_MAX || this.#bytes + bytes > PUTS_BYTES_MAX) return false;
    this.#bytes += bytes;
    this.#waiting.set(request.key, { request, tickets: [ticket] });
    return true;
  }

  /** The oldest whose key is not on its way. */
  next(): WaitingPut | undefined {
    for (const key of this.#waiting.keys()) if (!this.#sent.has(key)) return this.#take(key);
    return undefined;
  }

  /** @param done settles when it was executed, or will not be */
  went(request: PutRequest, done: Promise<unknown>): void {
    this.#sent.set(request.key, { request, done });
    const gone = (): void => {
      this.#sent.delete(request.key);
    };
    done.then(gone, gone);
  }

  /** Takes out what waits and is invalidated by this. */
  overtaken(by: Named): readonly WaitingPut[] {
    if (this.#waiting.size === 0) return NONE;
    const taken: WaitingPut[] = [];
    for (const [key, { request }] of this.#waiting)
      if (isNamed(by, request)) taken.push(this.#take(key)!);
    return taken;
  }

  /** Those on their way that this must not be executed before. */
  before(named: Named): readonly Promise<unknown>[] {
    if (this.#sent.size === 0) return NOTHING;
    const sent = [...this.#sent.values()];
    return sent.filter(({ request }) => isNamed(named, request)).map(({ done }) => done);
  }

  /** Takes out all that waits. */
  drop(): readonly WaitingPut[] {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#bytes = 0;
    return all;
  }

  #take(key: string): WaitingPut | undefined {
    const found = this.#waiting.get(key);
    if (found === undefined) return undefined;
    this.#waiting.delete(key);
    this.#bytes -= bytesOf(found.request);
    return found;
  }
}

function isNamed(named: Named, { key, entry }: PutRequest): boolean {
  return names(named, { key, tags: entry.tags, prefixes: prefixesOf(key) });
}

function bytesOf({ key, entry }: PutRequest): number {
  return key.length + entry.payload.bytes.length;
}

const NONE: readonly WaitingPut[] = [];
const NOTHING: readonly Promise<unknown>[] = [];
