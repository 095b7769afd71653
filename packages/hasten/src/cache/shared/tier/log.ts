/**
 * The log of invalidations in Redis, as the cache above sees it.
 *
 * Invariants:
 * - One trust over all shards: confirmed by the oldest of their confirmations. A gap in one of them
 *   ends it; subscribers are told that everything was cleared, and the next trust begins before that.
 * - `applied` means that every shard concerned has executed it. Keys concern their own shard, tags
 *   and prefixes all of them: every log names whatever its shard's entries depend on.
 * - Where several shards are told they are told twice, the second time when all have executed the
 *   first: what somebody made in between, of a shard that did not know yet, is kept by one that did.
 * - Entries of this node count for the position only: they were applied here when they were
 *   published (see `reading.ts` for reads that overtake them).
 * - What cannot be read in an entry clears everything.
 */
import type { Clock } from "../../../core/clock.ts";
import type { InvalidationLog, LoggedInvalidation } from "../../../core/invalidation-log.ts";
import { tell } from "../../../core/tell.ts";
import { Trust } from "../../../core/trust.ts";
import { decodeLogBody } from "../protocol/log-body.ts";
import { shardOf } from "../protocol/names.ts";
import type { LogEntry } from "../protocol/types.ts";
import { EVERYTHING, type Named, Names } from "./names.ts";
import type { TierShard } from "./shard.ts";
import type { TierCounts } from "./stats.ts";
import { PUBLISH_MS, Ticket } from "./ticket.ts";

type Outcome = { readonly kind: "applied" } | { readonly kind: "queued"; readonly depth: number };

export interface LogParts {
  readonly cache: string;
  readonly node: string;
  readonly boundMs: number;
  readonly clock: Clock;
  readonly counts: TierCounts;
  readonly shards: readonly TierShard[];
}

const OWED_MAX = 10_000;
const PART_MAX = 1_000;
const APPLIED = { kind: "applied" } as const;
const NONE: readonly string[] = [];

export class TierLog implements InvalidationLog {
  readonly #parts: LogParts;
  readonly #subscribers = new Set<(invalidation: LoggedInvalidation) => void>();
  #trust: Trust;
  /** To be told a second time when the first is done, which took longer. */
  readonly #owed = new Names(OWED_MAX);
  #paying = false;
  #ended = false;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#trust = this.#begin();
  }

  get trust(): Trust {
    return this.#trust;
  }

  get depth(): number {
    return this.#parts.shards.reduce((sum, { outbox }) => sum + outbox.depth, 0);
  }

  async publish(invalidation: LoggedInvalidation): Promise<Outcome> {
    const { clock, counts } = this.#parts;
    counts.invalidations += 1;
    const startedMs = clock.nowMs();
    const once = this.#send(invalidation, PUBLISH_MS);
    if (!once.several) return await this.outcome(once.ticket);
    if ((await once.ticket.outcome) === "queued") this.#owe(invalidation);
    else {
      const leftMs = Math.max(1, startedMs + PUBLISH_MS - clock.nowMs());
      return await this.outcome(this.#send(invalidation, leftMs).ticket);
    }
    return await this.outcome(once.ticket);
  }

  #send(invalidation: Named, waitMs: number): { ticket: Ticket; several: boolean } {
    const { shards, clock } = this.#parts;
    const parts = this.#split(invalidation);
    const ticket = new Ticket(parts.size, clock, waitMs);
    for (const [index, named] of parts) {
      const shard = shards[index]!;
      shard.outbox.publish(named, ticket);
      shard.heard(named.how === "cleared" ? "all" : named.keys);
    }
    return { ticket, several: parts.size > 1 };
  }

  #owe(named: Named): void {
    this.#owed.add(named);
    if (!this.#paying) void this.#pay();
  }

  /** Never rejects. */
  async #pay(): Promise<void> {
    this.#paying = true;
    while (!this.#owed.empty) {
      await Promise.all(this.#parts.shards.map(({ outbox }) => outbox.drained()));
      if (this.#ended) break;
      for (const named of this.#owed.take(PART_MAX)) this.#send(named, PUBLISH_MS);
    }
    this.#paying = false;
  }

  /** What a ticket says, as the cache above is told it. */
  async outcome(ticket: Ticket): Promise<Outcome> {
    if ((await ticket.outcome) === "applied") return APPLIED;
    this.#parts.counts.queued += 1;
    return { kind: "queued", depth: this.depth };
  }

  subscribe(apply: (invalidation: LoggedInvalidation) => void): () => void {
    this.#subscribers.add(apply);
    return () => void this.#subscribers.delete(apply);
  }

  /** Of a shard's log, in order. */
  receive(shard: TierShard, entries: readonly LogEntry[]): void {
    for (const { body } of entries) {
      const said = decodeLogBody(body);
      if (said?.kind === "wake") shard.heard(said.keys);
      else if (said?.node !== this.#parts.node) this.#apply(shard, said ?? EVERYTHING);
    }
  }

  /** What is kept may be outdated. */
  gap(): void {
    this.#trust.end();
    this.#trust = this.#begin();
    this.#deliver(EVERYTHING);
  }

  /** One of the shards was confirmed. */
  confirm(): void {
    let oldest = this.#parts.shards[0]!.confirmer.confirmedAt;
    for (const { confirmer } of this.#parts.shards) {
      const at = confirmer.confirmedAt;
      if (at === undefined || oldest === undefined) return;
      if (at.monotonicMs < oldest.monotonicMs) oldest = at;
    }
    if (oldest !== undefined) this.#trust.confirm(oldest);
  }

  end(): void {
    this.#ended = true;
    this.#trust.end();
    this.#subscribers.clear();
  }

  #apply(shard: TierShard, named: Named): void {
    shard.heard(named.how === "cleared" ? "all" : named.keys);
    this.#deliver(named);
  }

  #deliver({ how, keys, tags, prefixes }: Named): void {
    const invalidation = { cache: this.#parts.cache, how, keys, tags, prefixes };
    for (const apply of this.#subscribers) tell(apply, invalidation);
  }

  #begin(): Trust {
    return new Trust("stream", this.#parts.boundMs, this.#parts.clock);
  }

  /** What each shard is told of it. */
  #split({ how, keys, tags, prefixes }: Named): Map<number, Named> {
    const { shards } = this.#parts;
    const parts = new Map<number, Named>();
    if (shards.length === 1 || how === "cleared" || tags.length + prefixes.length > 0) {
      for (let index = 0; index < shards.length; index++) {
        const own = shards.length === 1 ? keys : NONE;
        parts.set(index, how === "cleared" ? EVERYTHING : { how, keys: own, tags, prefixes });
      }
    }
    if (shards.length === 1 || how === "cleared") return parts;
    const byShard = new Map<number, string[]>();
    for (const key of keys) {
      const index = shardOf(key, shards.length);
      const same = byShard.get(index);
      if (same === undefined) byShard.set(index, [key]);
      else same.push(key);
    }
    for (const [index, own] of byShard) parts.set(index, { how, keys: own, tags, prefixes });
    return parts;
  }
}
