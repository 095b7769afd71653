/**
 * How far the primary is, asked when somebody needs to know, and every so often.
 *
 * Invariants:
 * - A sample counts from when its question was sent. Those who need one while a question is out
 *   share the next. `want` leads to one soon, and to at most one in WANT_MS.
 * - Another system or another timeline is another log: what was known of the one before is forgotten.
 */
import type { Clock, Timer } from "../../core/clock.ts";
import { untraced } from "../../core/trace/index.ts";
import type { Connections } from "../connections.ts";
import type { Lease } from "../lease.ts";
import { Rounds } from "../stream/rounds.ts";
import { askOn, askThrough } from "./ask.ts";
import { thisMoment } from "./order.ts";
import { Samples } from "./samples.ts";
import type { ServerFacts } from "./server-facts.ts";

export interface PrimaryLogOptions {
  readonly connections: Connections;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/** A session that used the primary is kept from replicas for about this long at least. */
const WANT_MS = 10;

export class PrimaryLog {
  readonly samples: Samples = new Samples();
  readonly #options: PrimaryLogOptions;
  readonly #rounds: Rounds<void>;
  #facts: ServerFacts | undefined;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #askedMs = Number.NEGATIVE_INFINITY;
  #wanted: Timer | undefined;
  #closed = false;

  constructor(options: PrimaryLogOptions) {
    this.#options = options;
    this.#rounds = new Rounds(() => this.#ask());
  }

  get facts(): ServerFacts | undefined {
    return this.#facts;
  }

  /** Whether it answered within this time. */
  answeredWithin(limitMs: number): boolean {
    return this.#options.clock.nowMs() - this.#answeredMs <= limitMs;
  }

  /** Asks now. Rejects when the primary does not answer. */
  ask(): Promise<void> {
    return untraced(() => this.#rounds.ask());
  }

  /** Somebody waits for a later sample. */
  want(): void {
    if (this.#wanted !== undefined || this.#closed) return;
    const { clock } = this.#options;
    const delayMs = Math.max(0, WANT_MS - (clock.nowMs() - this.#askedMs));
    this.#wanted = clock.schedule(delayMs, () => {
      this.#wanted = undefined;
      void this.ask().catch(() => undefined);
    });
  }

  close(): void {
    this.#closed = true;
    this.#wanted?.cancel();
  }

  async #ask(): Promise<void> {
    const { clock, connections, timeoutMs } = this.#options;
    this.#askedMs = clock.nowMs();
    const ask = async (lease: Lease): Promise<void> => {
      // From here on, not from before the wait for the connection.
      const [asked, askedMs] = [thisMoment(), clock.nowMs()];
      const facts = await askOn(lease, timeoutMs);
      const before = this.#facts;
      if (before?.system !== facts.system || before?.timeline !== facts.timeline)
        this.samples.clear();
      this.#facts = facts;
      this.#answeredMs = clock.nowMs();
      if (!facts.standby && facts.position !== undefined)
        this.samples.add({ asked, askedMs, position: facts.position });
    };
    await askThrough(connections, timeoutMs, ask);
  }
}
