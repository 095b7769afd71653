/**
 * The invalidations of this process on their way to one shard.
 *
 * Invariants:
 * - What was published is either acknowledged by Redis, or on its way, or waits; never forgotten.
 *   After an unknown outcome it is sent again: to invalidate twice drops more, never less.
 * - Until it is acknowledged no entry that it names counts as found for this process (`cover`):
 *   a read may be executed before it although it was sent after it (a script that had to be loaded,
 *   a new connection), and what Redis refuses to write must bind us all the same.
 * - At most SENT_MAX on their way and `queueMax` names waiting; more become "everything". Values
 *   set by hand wait for room as well; where there is none, or Redis cannot be told, each becomes an
 *   invalidation of its key.
 * - What invalidates a value that was set before is executed after it.
 * - What waits is sent before anything is read when the shard comes back.
 */
import type { Clock, Timer } from "../../../core/clock.ts";
import { encodeInvalidated } from "../protocol/log-body.ts";
import type { InvalidatedNames, PutRequest, ShardCalls, WriteAnswer } from "../protocol/types.ts";
import { type Named, Names, names, type Subject } from "./names.ts";
import { Puts, type WaitingPut } from "./puts.ts";
import type { Ticket } from "./ticket.ts";

export interface OutboxParts {
  readonly calls: Pick<ShardCalls, "invalidate" | "put">;
  readonly node: string;
  readonly clock: Clock;
  readonly queueMax: number;
  /** Whether Redis can be asked. */
  readonly ready: () => boolean;
  /** Redis has taken one; resolves false where too few replicas have. */
  readonly taken: (answer: WriteAnswer) => Promise<boolean> | boolean;
  /** One was sent and took this long. */
  readonly sent: (startedMs: number) => void;
  readonly failed: (error: unknown) => void;
}

interface Sent {
  readonly named: Named;
}

/** What was published together: told when all of its parts are. */
interface Group {
  left: number;
  readonly tickets: readonly Ticket[];
}

const SENT_MAX = 64;
const PART_MAX = 1_000;
const TICKETS_MAX = 10_000;
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 5_000;
const NONE: readonly string[] = [];

export class Outbox {
  readonly #parts: OutboxParts;
  readonly #sent = new Set<Sent>();
  readonly #waiting: Names;
  readonly #puts = new Puts();
  /** Of what waits for room only. */
  #tickets: Ticket[] = [];
  #retryMs = RETRY_MIN_MS;
  #retry: Timer | undefined;
  #moved: PromiseWithResolvers<void> | undefined;
  #closed = false;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    this.#waiting = new Names(parts.queueMax);
  }

  /** Names that are not on their way. */
  get depth(): number {
    return this.#waiting.size + this.#puts.size;
  }

  /** Everything in Redis is void as soon as it can be told. */
  get everything(): boolean {
    return this.#waiting.everything;
  }

  get empty(): boolean {
    return this.#sent.size === 0 && this.#waiting.empty && this.#puts.size === 0;
  }

  publish(named: Named, ticket: Ticket): void {
    this.#forget(this.#puts.overtaken(named));
    if (this.#free) void this.#tell(named, { left: 1, tickets: [ticket] });
    else this.#keep(named, ticket);
  }

  /** Like an invalidation of its key, which it becomes if Redis cannot be told now. */
  put(request: PutRequest, ticket: Ticket): void {
    if (this.#free && !this.#puts.onItsWay(request.key)) this.#put({ request, tickets: [ticket] });
    else if (this.#able && this.#puts.hold(request, ticket)) return;
    else this.#keep(keyOf(request), ticket);
  }

  /** What of what was published, and is not acknowledged, an entry depends on. */
  cover(subject: Subject): "deleted" | "expired" | undefined {
    if (this.#puts.waits(subject.key)) return "deleted";
    let found = this.#waiting.empty ? undefined : this.#waiting.cover(subject);
    for (const { named } of this.#sent) {
      if (found === "deleted") return found;
      if (names(named, subject)) found = named.how === "expired" ? "expired" : "deleted";
    }
    return found;
  }

  /** The shard can be asked again. */
  resume(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#pump();
  }

  /** Resolves when everything is told. */
  async drained(): Promise<void> {
    while (!this.empty && !this.#closed) {
      this.#moved ??= Promise.withResolvers<void>();
      await this.#moved.promise;
    }
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#later();
    this.#move();
  }

  get #able(): boolean {
    return !this.#closed && this.#retry === undefined && this.#parts.ready();
  }

  /** It may be sent before what waits is: they are unions, their order does not matter. */
  get #free(): boolean {
    return this.#able && this.#sent.size < SENT_MAX;
  }

  #keep(named: Named, ticket: Ticket): void {
    this.#waiting.add(named);
    if (!this.#able || this.#tickets.length >= TICKETS_MAX) ticket.later();
    else this.#tickets.push(ticket);
  }

  #pump(): void {
    this.#pumpNames();
    while (this.#free) {
      const next = this.#puts.next();
      if (next === undefined) return;
      this.#put(next);
    }
  }

  #pumpNames(): void {
    if (this.#waiting.empty || !this.#free) return;
    const tickets = this.#tickets.filter((ticket) => !ticket.settled);
    this.#tickets = [];
    const parts = this.#waiting.take(PART_MAX);
    const group = { left: parts.length, tickets };
    for (const part of parts) void this.#tell(part, group);
  }

  #tell(named: Named, group: Group): Promise<void> {
    const { calls, node } = this.#parts;
    const body = (part: InvalidatedNames): Buffer => encodeInvalidated(node, part);
    const before = this.#puts.before(named);
    const call =
      before.length === 0
        ? calls.invalidate({ ...named, body })
        : Promise.allSettled(before).then(() => calls.invalidate({ ...named, body }));
    return this.#send(named, group, call);
  }

  #put({ request, tickets }: WaitingPut): void {
    const call = this.#parts.calls.put(request);
    this.#puts.went(request, call);
    void this.#send(keyOf(request), { left: 1, tickets }, call);
  }

  /** Their keys are invalidated instead. */
  #forget(puts: readonly WaitingPut[]): void {
    for (const { request, tickets } of puts) {
      this.#waiting.add(keyOf(request));
      for (const ticket of tickets) ticket.later();
    }
  }

  /** Who waits for room is told that it takes longer. */
  #later(): void {
    for (const ticket of this.#tickets) ticket.later();
    this.#tickets = [];
    this.#forget(this.#puts.drop());
  }

  async #send(named: Named, group: Group, call: Promise<WriteAnswer>): Promise<void> {
    const { clock, taken, sent, failed } = this.#parts;
    const one: Sent = { named };
    const startedMs = clock.nowMs();
    this.#sent.add(one);
    try {
      const answer = await call;
      const enough = taken(answer);
      this.#sent.delete(one);
      sent(startedMs);
      this.#retryMs = RETRY_MIN_MS;
      const replicated = enough === true || (await enough);
      group.left -= 1;
      for (const ticket of group.tickets) {
        if (!replicated) ticket.later();
        else if (group.left === 0) ticket.applied();
      }
    } catch (error) {
      this.#sent.delete(one);
      this.#waiting.add(named);
      for (const ticket of group.tickets) ticket.later();
      this.#hold();
      failed(error);
    }
    this.#pump();
    this.#move();
  }

  /** Redis is there and refuses: asked again after a while. */
  #hold(): void {
    if (this.#retry !== undefined || this.#closed) return;
    this.#later();
    this.#retry = this.#parts.clock.schedule(this.#retryMs, () => this.resume());
    this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
  }

  #move(): void {
    this.#moved?.resolve();
    this.#moved = undefined;
  }
}

function keyOf({ key }: PutRequest): Named {
  return { how: "deleted", keys: [key], tags: NONE, prefixes: NONE };
}
