/**
 * Messages through the WAL that the leader answers once everything before them was told.
 *
 * Invariants:
 * - A barrier is sent after the write that asks for it was acknowledged, so it follows the write's
 *   commit in the WAL. Those who ask while one is being sent share the next.
 * - It is passed in the term that it was asked in, or not at all: another term knows nothing of what
 *   was cached under the one before.
 */
import { BARRIER, PULSE_PREFIX } from "../stream/decoder.ts";
import { Rounds } from "../stream/rounds.ts";
import type { LeaderRecord } from "./record.ts";

export interface Barrier {
  readonly node: string;
  readonly number: number;
  /** The catalog is to be looked at too. */
  readonly schema: boolean;
}

export const BARRIER_SQL: Readonly<Record<"flushing" | "transactional", string>> = {
  flushing: `select pg_logical_emit_message(false, '${PULSE_PREFIX}', $1::text, true)::text`,
  transactional: `select set_config('synchronous_commit', 'local', true), pg_logical_emit_message(true, '${PULSE_PREFIX}', $1::text)::text`,
};

export function formatBarrier({ node, number, schema }: Barrier): string {
  return [BARRIER, node, number, schema ? "schema" : "rows"].join(":");
}

export function parseBarrier(content: string): Barrier | undefined {
  const [prefix, node, text, about] = content.split(":");
  const number = Number(text);
  if (prefix !== BARRIER || node === undefined || !Number.isSafeInteger(number)) return undefined;
  return { node, number, schema: about === "schema" };
}

interface Waiter {
  readonly term: string;
  readonly number: number;
  readonly passed: PromiseWithResolvers<boolean>;
}

export class Barriers {
  readonly #node: string;
  readonly #rounds: { readonly rows: Rounds<number>; readonly schema: Rounds<number> };
  readonly #waiters = new Set<Waiter>();
  #number = 0;
  #heard: { readonly term: string; readonly number: number } = { term: "", number: 0 };

  /** @param emit resolves when the message is in the WAL */
  constructor(node: string, emit: (content: string) => Promise<void>) {
    this.#node = node;
    const round = (schema: boolean): Rounds<number> =>
      new Rounds(async () => {
        this.#number += 1;
        const number = this.#number;
        await emit(formatBarrier({ node, number, schema }));
        return number;
      });
    this.#rounds = { rows: round(false), schema: round(true) };
  }

  /** True once everything acknowledged before the call was told, all in this term. */
  async pass(term: string, schema: boolean): Promise<boolean> {
    const rounds = schema ? this.#rounds.schema : this.#rounds.rows;
    const number = await rounds.ask();
    if (this.#heard.term !== term) return false;
    if (this.#heard.number >= number) return true;
    const waiter = { term, number, passed: Promise.withResolvers<boolean>() };
    this.#waiters.add(waiter);
    return waiter.passed.promise;
  }

  /** The term in force, empty for none, with what its leader has passed. */
  heard(term: string, passed: LeaderRecord["passed"]): void {
    this.#heard = { term, number: passed[this.#node] ?? 0 };
    for (const waiter of this.#waiters) {
      if (waiter.term === term && this.#heard.number < waiter.number) continue;
      this.#waiters.delete(waiter);
      waiter.passed.resolve(waiter.term === term);
    }
  }
}
