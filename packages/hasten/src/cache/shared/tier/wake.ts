/**
 * Notices at once that something was added to the log of a shard.
 *
 * Invariants:
 * - It proves nothing and applies nothing: it only makes the confirmer ask. (Trimmed entries are
 *   skipped silently, a stream that was deleted looks quiet.)
 * - It waits from the place that was applied, so nothing that came meanwhile is waited for; and
 *   without a pause only as long as that place moves on.
 * - One command at a time, on a connection of its own. It keeps no process alive.
 */
import type { Clock, Timer } from "../../../core/clock.ts";
import type { RedisLink } from "../../../redis/index.ts";
import { type Confirmer, NUDGE_MS } from "./confirmer.ts";

export interface WakeParts {
  readonly link: Pick<RedisLink, "block">;
  readonly confirmer: Pick<Confirmer, "epoch" | "position" | "kick">;
  /** The stream. */
  readonly log: string;
  readonly clock: Clock;
  readonly pauseMs: number;
}

const BLOCK_MS = 5_000;

export class Wake {
  readonly #parts: WakeParts;
  #timer: Timer | undefined;
  #resume: (() => void) | undefined;
  #start: (() => void) | undefined;
  #closed = false;

  constructor(parts: WakeParts) {
    this.#parts = parts;
  }

  /** Ends when closed; never rejects. */
  async run(): Promise<void> {
    const { confirmer } = this.#parts;
    while (!this.#closed) {
      const from = confirmer.epoch === undefined ? undefined : confirmer.position;
      if (from === undefined) {
        await this.#idle();
        continue;
      }
      const seen = await this.#look(from);
      if (this.#closed) return;
      if (seen === "added") await confirmer.kick();
      const moved = seen === "added" && confirmer.position !== from;
      // What comes within the pause is found at once after it: a burst is asked for in few questions.
      if (moved) await this.#pause(NUDGE_MS);
      else if (seen === "failed" || seen === "added") await this.#pause(this.#parts.pauseMs);
    }
  }

  /** The shard can be followed. */
  go(): void {
    this.#start?.();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#resume?.();
    this.#start?.();
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#start = () => {
        this.#start = undefined;
        resolve();
      };
    });
  }

  async #look(from: number): Promise<"added" | "quiet" | "failed"> {
    const { link, log } = this.#parts;
    const after = `${from}-0`;
    try {
      const words = ["XREAD", "COUNT", "1", "BLOCK", `${BLOCK_MS}`, "STREAMS", log, after];
      return (await link.block(words, BLOCK_MS)) === null ? "quiet" : "added";
    } catch {
      return "failed";
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#timer = this.#parts.clock.schedule(ms, resolve);
    });
  }
}
