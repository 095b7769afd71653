/**
 * When this process leads: takes a place that is free, prepares to replace a leader that leaves.
 *
 * Invariants:
 * - At most one stint at a time: nothing is opened while another one is open or being closed.
 * - A place is taken only by compare and set on the record that was heard: of those who find it free
 *   at once one gets it, and the others open nothing.
 * - After a failure the next attempt waits, jittered, so that another process may try first.
 */
import { Backoff } from "../stream/backoff.ts";
import type { HeardWord } from "./follower.ts";
import { laterPosition, NO_POSITION } from "./position.ts";
import { firstRecord } from "./record.ts";
import { Seat, type SeatOptions } from "./seat.ts";
import { Stint } from "./stint.ts";
import type { StintOptions } from "./stint-options.ts";

export type CandidateOptions = SeatOptions & Omit<StintOptions, "onEnded">;

/** How soon one must come forward that would replace a leader, and how long it may take. */
const CLAIM_MS = 400;
const TAKE_MS = 10_000;

export class Candidate {
  readonly #options: CandidateOptions;
  readonly #backoff = new Backoff();
  #stint: Stint | undefined;
  #claiming: Promise<void> | undefined;
  #because: string | undefined;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #closed = false;
  /** Of stints that are over. */
  #position = NO_POSITION;

  constructor(options: CandidateOptions) {
    this.#options = options;
  }

  get leads(): boolean {
    return this.#stint?.holds === true;
  }

  /** Slots that it holds now. */
  get slots(): number {
    return this.#stint?.open === true ? 1 : 0;
  }

  /** Of the latest change that was dropped here by itself. */
  get position(): string {
    return laterPosition(this.#position, this.#stint?.position ?? NO_POSITION);
  }

  /** Why it does not lead although it tried. */
  get because(): string | undefined {
    return this.#because;
  }

  heard(word: HeardWord): void {
    const { raw, record, over, askedMs } = word;
    if (this.#stint !== undefined) {
      this.#stint.heard(record, over, askedMs);
      return;
    }
    const { node, clock } = this.#options;
    if (this.#closed || this.#claiming !== undefined || clock.nowMs() < this.#notBeforeMs) return;
    const free = raw === undefined || over || record?.leader === node;
    if (free) this.#claiming = this.#claim(raw, "lead");
    else if (record?.leaving === true && record.heir === undefined)
      this.#claiming = this.#claim(raw, "inherit");
  }

  /** Lets another process lead, if one is there. */
  async handOver(): Promise<boolean> {
    return (await this.#stint?.handOver(CLAIM_MS, TAKE_MS)) ?? false;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#claiming;
    await this.handOver();
    await this.#stint?.close();
  }

  async #claim(raw: string | undefined, how: "lead" | "inherit"): Promise<void> {
    const { node } = this.#options;
    const seat = new Seat(this.#options, raw);
    const { begun } = seat.record;
    const written =
      how === "lead"
        ? await seat.take({ ...firstRecord(node), begun, confirmed: begun })
        : await seat.claim();
    this.#claiming = undefined;
    if (written !== "written") return;
    const stint = new Stint(seat, how === "lead", {
      ...this.#options,
      onEnded: (because) => this.#ended(stint, because),
    });
    this.#stint = stint;
  }

  #ended(stint: Stint, because: string): void {
    this.#because = because;
    const { clock } = this.#options;
    this.#notBeforeMs = clock.nowMs() + (stint.succeeded ? 0 : this.#backoff.delayMs());
    if (stint.succeeded) this.#backoff.reset();
    void stint.close().finally(() => {
      this.#position = laterPosition(this.#position, stint.position);
      if (this.#stint === stint) this.#stint = undefined;
    });
  }
}
