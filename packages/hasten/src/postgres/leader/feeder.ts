/**
 * Brings what the leader's stream drops into Redis.
 *
 * Invariants:
 * - `flush` resolves only once Redis has executed the invalidation of every tag added before it was
 *   called. What Redis did not take is sent again: to invalidate twice drops more, never less.
 * - Before anything is told it is announced: how far a replica has to be that shows it. Where another
 *   leader is found then, nothing is told any more: it tells.
 * - What was added is forgotten only once it was told, or with `overflowed` raised: then the term ends.
 * - The own caches drop as soon as a tag is added, for readers here, and once more when Redis has it:
 *   a read of Redis that overtook the invalidation brought the old value back.
 */
import type { Clock } from "../../core/clock.ts";
import type { InvalidationLog } from "../../core/invalidation-log.ts";
import type { DropTags } from "../coherence/source.ts";
import { Rounds } from "../stream/rounds.ts";
import type { Written } from "./seat.ts";

export interface FeederOptions {
  readonly log: Pick<InvalidationLog, "publish">;
  readonly clock: Clock;
  readonly drop: DropTags;
  /** Says how far the changes go that are to be told. */
  readonly announce: () => Promise<Written>;
}

const TAGS_MAX = 100_000;
const AGAIN_MS = 25;
const BECAUSE = "a change told by the leader";

export class Feeder {
  readonly #options: FeederOptions;
  readonly #rounds: Rounds<void>;
  #waiting = new Set<string>();
  #closed = false;
  #overflowed = false;
  /** Tags that were told. */
  told = 0;

  constructor(options: FeederOptions) {
    this.#options = options;
    this.#rounds = new Rounds(() => this.#send());
  }

  /** More was dropped than can be kept: what is told from here on is not all. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  add(tags: readonly string[]): void {
    if (this.#closed || tags.length === 0) return;
    this.#options.drop(tags, BECAUSE);
    for (const tag of tags) this.#waiting.add(tag);
    if (this.#waiting.size > TAGS_MAX) {
      this.#overflowed = true;
      this.#waiting.clear();
    }
    void this.#rounds.ask().catch(() => undefined);
  }

  /** Rejects when it was closed before. */
  flush(): Promise<void> {
    return this.#rounds.ask();
  }

  /** A new term begins: what was not told before it does not matter to it. */
  restart(): void {
    this.#overflowed = false;
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
  }

  async #send(): Promise<void> {
    const { log, clock, drop, announce } = this.#options;
    const tags = [...this.#waiting];
    this.#waiting = new Set();
    if (tags.length === 0) return;
    const told = { cache: "", how: "deleted", keys: [], tags, prefixes: [] } as const;
    for (;;) {
      if (this.#closed) throw new Error("the leader was closed");
      const announced = await announce();
      if (announced === "lost") throw new Error("another leader took over");
      if (announced === "written" && (await log.publish(told)).kind === "applied") break;
      await new Promise<void>((resolve) => void clock.schedule(AGAIN_MS, resolve));
    }
    this.told += tags.length;
    drop(tags, BECAUSE);
  }
}
