/**
 * The predicates that find the rows after a place in a total order.
 *
 * Invariants:
 * - The branches are disjoint and together hold exactly the rows after the place, nearest first.
 * - Every condition is a comparison an ordered index can start from; there is no OR.
 * - A row comparison spans only columns of one direction of which all but the first cannot be NULL:
 *   PostgreSQL stops a row comparison at the first NULL and yields NULL, which would lose rows.
 */
import { keyCodec } from "./column-type.ts";
import type { KeyTexts } from "./cursor.ts";
import type { Order, OrderColumn } from "./order.ts";

/** Conditions joined by AND. */
export type Branch = readonly string[];

export interface Place {
  readonly keys: KeyTexts;
  /** Whether a row exactly at the place counts as after it. */
  readonly inclusive: boolean;
}

/** Gives the SQL of the parameter that holds a key's text; called only for keys the SQL needs. */
export type BindKey = (index: number) => string;

/** Branches for the rows after `place`; one branch when a single row comparison does. */
export function seek(order: Order, place: Place, bind: BindKey): readonly Branch[] {
  const groups: Branch[][] = [];
  const equal: string[] = [];
  const value = (index: number): string => keyCodec(order[index]!.type).fromText(bind(index));
  for (let start = 0; start < order.length; ) {
    const column = order[start]!;
    if (place.keys[start] === null) {
      if (column.nulls === "first") groups.push([[...equal, `${column.sql} is not null`]]);
      equal.push(`${column.sql} is null`);
      start += 1;
      continue;
    }
    const end = runEnd(order, place.keys, start);
    const run = order.slice(start, end);
    const values = run.map((_, offset) => value(start + offset));
    const orEqual = end === order.length && place.inclusive;
    const group: Branch[] = [[...equal, compare(run, values, orEqual)]];
    if (column.nullable && column.nulls === "last") group.push([...equal, `${column.sql} is null`]);
    groups.push(group);
    run.forEach((one, offset) => {
      equal.push(`${one.sql} = ${values[offset]!}`);
    });
    start = end;
  }
  return groups.reverse().flat();
}

/** SQL of a boolean: whether a row lies exactly at the place. `expressions` stand for the columns. */
export function isAt(order: Order, expressions: readonly string[], sources: KeySources): string {
  return order
    .map((column, index) => {
      if (sources.keys[index] === null) return `${expressions[index]!} is null`;
      return `${expressions[index]!} = ${keyCodec(column.type).fromText(sources.bind(index))}`;
    })
    .join(" and ");
}

/** The keys of a place and their parameters. */
export interface KeySources {
  readonly keys: KeyTexts;
  readonly bind: BindKey;
}

/** The end of the columns one row comparison may span, from `start`. */
function runEnd(order: Order, keys: KeyTexts, start: number): number {
  let end = start + 1;
  while (
    end < order.length &&
    order[end]!.direction === order[start]!.direction &&
    !order[end]!.nullable &&
    keys[end] !== null
  )
    end += 1;
  return end;
}

function compare(run: readonly OrderColumn[], values: readonly string[], orEqual: boolean): string {
  const operator = (run[0]!.direction === "asc" ? ">" : "<") + (orEqual ? "=" : "");
  const left = run.map((column) => column.sql);
  return run.length === 1
    ? `${left[0]!} ${operator} ${values[0]!}`
    : `(${left.join(", ")}) ${operator} (${values.join(", ")})`;
}
