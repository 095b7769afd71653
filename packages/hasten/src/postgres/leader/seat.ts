/**
 * The record in Redis as one process last knew it, and its replacement.
 *
 * Invariants:
 * - Writes go one after the other; each replaces exactly the record that this process knows, or none.
 * - After an unknown outcome the record that is found tells: one of this leader's own is gone on from,
 *   any other means that it was replaced. Then nothing is written any more.
 */
import type { LeaveAnswer } from "../../cache/shared/port.ts";
import { laterPosition } from "./position.ts";
import { decodeRecord, encodeRecord, firstRecord, type LeaderRecord } from "./record.ts";
import type { SourceTier } from "./types.ts";

export interface SeatOptions {
  readonly tier: Pick<SourceTier, "leave">;
  /** What the source is called in the tier. */
  readonly source: string;
  readonly node: string;
  readonly leaseMs: number;
}

/** `lost`: somebody else's record is there, or none. */
export type Written = "written" | "lost" | "unavailable";

const ATTEMPTS = 4;

export class Seat {
  /** What was there first. */
  readonly found: LeaderRecord | undefined;
  readonly #options: SeatOptions;
  #raw: string | undefined;
  #record: LeaderRecord;
  #latest: Promise<unknown> = Promise.resolve();
  #lost = false;

  /** `raw` is the record that was found, undefined where there was none. */
  constructor(options: SeatOptions, raw: string | undefined) {
    this.#options = options;
    this.#raw = raw;
    this.found = decodeRecord(raw);
    this.#record = this.found ?? firstRecord(options.node);
  }

  get record(): LeaderRecord {
    return this.#record;
  }

  /** Whether somebody else's record was found. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Puts this in the place of a record whose lease is over, of an own one, or of none. */
  take(record: LeaderRecord): Promise<Written> {
    return this.#then(async () => {
      const own = this.#raw === undefined || this.#record.leader === this.#options.node;
      const how = { onlyIfOver: !own, wake: false };
      const answer = await this.#put(record, how);
      return answer === "gone on" ? "lost" : answer;
    });
  }

  /** Comes forward to replace the leader that is there and leaves. */
  claim(): Promise<Written> {
    return this.#then(async () => {
      const { node: heir } = this.#options;
      const answer = await this.#put({ ...this.#record, heir }, { onlyIfOver: false, wake: true });
      return answer === "gone on" ? "lost" : answer;
    });
  }

  /** Applied to the record as it is by then, which may have gone on. */
  write(change: (record: LeaderRecord) => LeaderRecord, wake = false): Promise<Written> {
    return this.#then(async () => {
      for (let attempt = 1; ; attempt++) {
        if (this.#lost) return "lost";
        const answer = await this.#put(change(this.#record), { onlyIfOver: false, wake });
        if (answer !== "gone on") return answer;
        if (attempt === ATTEMPTS) return "unavailable";
      }
    });
  }

  /** Says that changes up to there are going to be told. */
  announce(position: string): Promise<Written> {
    const known = this.#record.position;
    if (laterPosition(known, position) === known) return Promise.resolve("written");
    return this.write((record) => {
      return { ...record, position: laterPosition(record.position, position) };
    });
  }

  /** Leaves no record. */
  remove(): Promise<void> {
    return this.#then(async () => {
      const { tier, source, leaseMs } = this.#options;
      if (this.#lost) return;
      this.#lost = true;
      const asked = {
        expected: this.#raw,
        record: undefined,
        leaseMs,
        onlyIfOver: false,
        wake: true,
      };
      await tier.leave(source, asked);
    });
  }

  #then<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#latest.then(work);
    this.#latest = mine.catch(() => undefined);
    return mine;
  }

  async #put(
    record: LeaderRecord,
    how: { readonly onlyIfOver: boolean; readonly wake: boolean },
  ): Promise<Written | "gone on"> {
    const { tier, source, leaseMs } = this.#options;
    const text = encodeRecord(record);
    const answer = await tier.leave(source, { expected: this.#raw, record: text, leaseMs, ...how });
    if (answer.kind === "unavailable") return "unavailable";
    if (answer.kind === "other") return this.#found(answer, how.onlyIfOver);
    this.#raw = text;
    this.#record = record;
    return "written";
  }

  #found(answer: LeaveAnswer & { readonly kind: "other" }, taking: boolean): "lost" | "gone on" {
    const found = decodeRecord(answer.record);
    const { node } = this.#options;
    const { term } = this.#record;
    const same = found !== undefined && (found.leader === node || found.heir === node);
    if (taking || !same || found.term !== term) {
      this.#lost = true;
      return "lost";
    }
    this.#raw = answer.record;
    this.#record = found;
    return "gone on";
  }
}
