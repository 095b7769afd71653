/**
 * The leader's answers to barriers.
 *
 * Invariants:
 * - A barrier is said to be passed only once Redis has whatever was dropped by the time that it was
 *   read, in a term that covers it; one that asks for the catalog, once that was looked at since.
 * - Those that come while an answer is under way share the next.
 */
import { Rounds } from "../stream/rounds.ts";
import { parseBarrier } from "./barriers.ts";
import { withPassed } from "./record.ts";
import type { Seat } from "./seat.ts";
import type { Led } from "./types.ts";

export interface PassesOptions {
  readonly seat: Seat;
  readonly flush: () => Promise<void>;
  /** Undefined while this process does not answer for what was dropped. */
  readonly led: () => Led | undefined;
}

export class Passes {
  readonly #options: PassesOptions;
  readonly #rounds: Rounds<void>;
  readonly #passed = new Map<string, number>();
  #lookWanted = false;

  constructor(options: PassesOptions) {
    this.#options = options;
    this.#rounds = new Rounds(() => this.#pass());
  }

  /** Read from the stream, and what was acknowledged before it has been dropped. */
  read(content: string): void {
    const barrier = parseBarrier(content);
    if (barrier === undefined) return;
    const { node, number, schema } = barrier;
    this.#passed.set(node, Math.max(number, this.#passed.get(node) ?? 0));
    if (schema) this.#lookWanted = true;
    this.tell();
  }

  /** Tells what is known by now. */
  tell(): void {
    void this.#rounds.ask().catch(() => undefined);
  }

  /** A new term knows nothing of those before it. */
  restart(): void {
    this.#passed.clear();
  }

  async #pass(): Promise<void> {
    const { led, seat, flush } = this.#options;
    const before = led();
    if (before === undefined || this.#passed.size === 0) return;
    const passed = new Map(this.#passed);
    if (this.#lookWanted) await this.#look(before);
    await flush();
    if (led() === undefined) return;
    const written = await seat.write(
      (record) => ({ ...record, passed: withPassed(record.passed, passed) }),
      true,
    );
    if (written !== "written") return;
    for (const [node, number] of passed)
      if (this.#passed.get(node) === number) this.#passed.delete(node);
  }

  /** Wanted still where it failed; those that come while it runs want the next. */
  async #look({ catalog }: Led): Promise<void> {
    this.#lookWanted = false;
    try {
      await catalog.look();
    } catch (error) {
      this.#lookWanted = true;
      throw error;
    }
  }
}
