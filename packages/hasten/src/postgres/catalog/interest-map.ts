/**
 * Which cached values hang on changes of which relation.
 *
 * Invariant: the array given for a relation is the same until something about it changes, and then
 * another one: readers of changes tell by identity whether they looked at the right columns.
 */
import type { ColumnKind, Interest, TableInterest } from "../statements/interest.ts";

interface Registered {
  readonly interest: TableInterest;
  /** Relations whose changes are its own: itself, partitions, children. */
  readonly relations: readonly number[];
}

export class InterestMap implements Interest {
  readonly #tables = new Map<number, Registered>();
  readonly #of = new Map<number, readonly TableInterest[]>();

  of(relationOid: number): readonly TableInterest[] | undefined {
    return this.#of.get(relationOid);
  }

  /** `columns` are added to those already known of the table. */
  add(
    table: number,
    tags: { readonly tableTag: string; readonly broadTag: string },
    registered: {
      readonly relations: readonly number[];
      readonly columns: ReadonlyMap<string, ColumnKind>;
    },
  ): void {
    const known = this.#tables.get(table);
    const { columns, relations } = registered;
    const knownColumns = known?.interest.columns;
    if (known !== undefined && [...columns.keys()].every((name) => knownColumns?.has(name))) return;
    const merged = new Map([...(knownColumns ?? []), ...columns]);
    this.#put(table, known, { interest: { ...tags, columns: merged }, relations });
  }

  /** Nothing depends on it any more. */
  remove(table: number): void {
    const known = this.#tables.get(table);
    if (known !== undefined) this.#put(table, known, undefined);
  }

  #put(table: number, old: Registered | undefined, next: Registered | undefined): void {
    if (next === undefined) this.#tables.delete(table);
    else this.#tables.set(table, next);
    const relations = new Set([...(old?.relations ?? []), ...(next?.relations ?? [])]);
    for (const oid of relations) {
      const others = (this.#of.get(oid) ?? []).filter((it) => it !== old?.interest);
      const mine = next?.relations.includes(oid) === true ? [next.interest] : [];
      const all = [...others, ...mine];
      if (all.length === 0) this.#of.delete(oid);
      else this.#of.set(oid, all);
    }
  }
}
