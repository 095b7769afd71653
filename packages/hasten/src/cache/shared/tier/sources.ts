/**
 * Sources of changes whose leader tells them through the tier.
 *
 * Invariants:
 * - What a leader left lies in the first shard. It is handed over when the log of every shard was
 *   confirmed by a question *sent after* the answer that brought it: what the leader had told any
 *   shard before it left that has been applied by then.
 * - The word that waits is not replaced by later ones, or it might wait for ever.
 */
import type { Instant, Trust } from "../../../core/trust.ts";
import type { SharedSource, SourceWord } from "../port.ts";

export interface Left {
  readonly record: string;
  readonly over: boolean;
}

interface Waiting {
  readonly left: ReadonlyMap<string, Left>;
  readonly askedAt: Instant;
  readonly receivedMs: number;
  readonly shards: Set<number>;
}

export class Sources {
  readonly #home = new Map<string, SharedSource>();
  readonly #shards: number;
  readonly #instantOf: SourceWord["instantOf"];
  #waiting: Waiting | undefined;

  constructor(shards: number, instantOf: SourceWord["instantOf"]) {
    this.#shards = shards;
    this.#instantOf = instantOf;
  }

  attach(id: string, source: SharedSource): () => void {
    this.#home.set(id, source);
    return () => {
      if (this.#home.get(id) === source) this.#home.delete(id);
    };
  }

  trust(id: string): Trust | undefined {
    return this.#home.get(id)?.trust();
  }

  /** A shard's log was followed to its head. */
  confirmed(shard: number, sent: Instant, received: Instant, left: Waiting["left"]): void {
    if (shard === 0 && this.#waiting === undefined && this.#home.size > 0) {
      const shards = new Set<number>();
      for (let other = 1; other < this.#shards; other++) shards.add(other);
      this.#waiting = { left, askedAt: sent, receivedMs: received.monotonicMs, shards };
    }
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    if (sent.monotonicMs >= waiting.receivedMs) waiting.shards.delete(shard);
    if (waiting.shards.size === 0) this.#tell(waiting);
  }

  /** What waits may be of an epoch that ended. */
  gap(): void {
    this.#waiting = undefined;
  }

  #tell({ left, askedAt }: Waiting): void {
    this.#waiting = undefined;
    for (const [id, source] of this.#home) {
      const found = left.get(id);
      source.heard?.({
        record: found?.record,
        over: found?.over ?? true,
        askedAt,
        instantOf: this.#instantOf,
      });
    }
  }
}
