/** Ways to be wrong that only processes know which share a Redis: each is found in a run with one. */
import { Trust } from "../../src/core/trust.ts";
import { Feeder } from "../../src/postgres/leader/feeder.ts";
import type { LeaderRecord } from "../../src/postgres/leader/record.ts";
import { Seat } from "../../src/postgres/leader/seat.ts";

export const SHARED_MUTANTS = ["one-term-for-ever", "heard-is-young", "not-told"] as const;
export type SharedMutant = (typeof SHARED_MUTANTS)[number];

export function isSharedMutant(name: string): name is SharedMutant {
  return (SHARED_MUTANTS as readonly string[]).includes(name);
}

export function become(mutant: SharedMutant): void {
  if (mutant === "one-term-for-ever") oneTermForEver();
  else if (mutant === "heard-is-young") heardIsYoung();
  else tellingNobody();
}

/** Whoever leads goes on with the first term, whatever was missed in between. */
function oneTermForEver(): void {
  const { write } = Seat.prototype;
  let first: string | undefined;
  Seat.prototype.write = function (this: Seat, change, wake) {
    first ??= this.found?.term || undefined;
    const changed = (record: LeaderRecord): LeaderRecord => {
      const next = change(record);
      if (next.term === "") return next;
      first ??= next.term;
      return { ...next, term: first };
    };
    return write.call(this, changed, wake);
  };
}

/** A word is taken for as young as its hearing, however long its leader has been silent. */
function heardIsYoung(): void {
  const { confirm } = Trust.prototype;
  Trust.prototype.confirm = function (this: Trust) {
    confirm.call(this, { monotonicMs: performance.now(), wallMs: Date.now() });
  };
}

/** The leader confirms what it has dropped for itself alone. */
function tellingNobody(): void {
  Feeder.prototype.flush = () => Promise.resolve();
  Feeder.prototype.add = () => undefined;
}
