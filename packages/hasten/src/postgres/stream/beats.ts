/**
 * Heartbeats: pulses with a look at the catalog, each of which confirms the instant it was begun at.
 *
 * Invariants: the trust confirmed is the one in force when the beat was begun; at most BEATS_MAX are
 * under way, so that a database that does not answer gathers none.
 */
import type { Clock, Timer } from "../../core/clock.ts";
import { instant, type Trust } from "../../core/trust.ts";
import type { Pulses } from "./pulses.ts";

const BEATS_MAX = 8;

export interface BeatsOptions {
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly trust: () => Trust;
  /** Looks for changed meanings, and drops what they touch. */
  readonly poll: () => Promise<void>;
  readonly onUnread: (error: unknown) => void;
  /** A beat begins; gives what to call, with its pulse's place in the WAL, before it is confirmed. */
  readonly begins: () => (position: string) => void;
}

export class Beats {
  readonly #options: BeatsOptions;
  #timer: Timer | undefined;
  #pulses: Pulses | undefined;
  #count = 0;

  constructor(options: BeatsOptions) {
    this.#options = options;
  }

  /** Resolves behind the first. */
  start(pulses: Pulses): Promise<void> {
    this.#pulses = pulses;
    return this.#beat(pulses);
  }

  stop(): void {
    this.#pulses = undefined;
    this.#timer?.cancel();
  }

  /** One now; true once what it confirms is confirmed. */
  async now(): Promise<boolean> {
    return this.#pulses !== undefined && (await this.#ask(this.#pulses));
  }

  async #beat(pulses: Pulses): Promise<void> {
    if (this.#pulses !== pulses) return;
    const { clock, heartbeatMs } = this.#options;
    this.#timer = clock.schedule(heartbeatMs, () => void this.#beat(pulses));
    await this.#ask(pulses);
  }

  async #ask(pulses: Pulses): Promise<boolean> {
    const { clock, poll, onUnread } = this.#options;
    if (this.#count >= BEATS_MAX) return false;
    this.#count += 1;
    const at = instant(clock);
    const trust = this.#options.trust();
    const covers = this.#options.begins();
    const pulse = pulses.ask().then(async ({ back, position }) => ((await back) ? position : ""));
    try {
      const [position] = await Promise.all([pulse, poll()]);
      if (position === "") return false;
      covers(position);
      trust.confirm(at);
      return true;
    } catch (error) {
      onUnread(error);
      return false;
    } finally {
      this.#count -= 1;
    }
  }
}
