import type { SortableType } from "./column-type.ts";

export type SortDirection = "asc" | "desc";
export type NullsPlacement = "first" | "last";

/** One column of a total order, ready to be written as SQL. */
export interface OrderColumn {
  readonly name: string;
  /** The expression with its collation. */
  readonly sql: string;
  readonly type: SortableType;
  readonly nullable: boolean;
  readonly direction: SortDirection;
  readonly nulls: NullsPlacement;
}

/** A list of columns no two rows of which are equal: the last one ends every tie. */
export type Order = readonly OrderColumn[];

/** The order that reads the same list from its end. */
export function inverse(order: Order): Order {
  return order.map((column) => ({
    ...column,
    direction: column.direction === "asc" ? "desc" : "asc",
    nulls: column.nulls === "first" ? "last" : "first",
  }));
}

/**
 * `ORDER BY` items. A column that cannot be NULL states no placement, so that any index on it fits
 * whichever way it was declared; one that can states it always.
 */
export function orderItems(order: Order, expressions: readonly string[]): string {
  return order
    .map((column, index) => {
      const nulls = column.nullable ? ` nulls ${column.nulls}` : "";
      return `${expressions[index]!} ${column.direction}${nulls}`;
    })
    .join(", ");
}

/** PostgreSQL's own placement: NULL is greater than every value. */
export const defaultNulls = (direction: SortDirection): NullsPlacement =>
  direction === "asc" ? "last" : "first";
