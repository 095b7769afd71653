import { isSortable } from "./column-type.ts";
import type { ResolvedColumn } from "./columns.ts";
import { pageError, pageProblem } from "./errors.ts";
import type { PageOptions, SortItem } from "./options.ts";
import {
  defaultNulls,
  inverse,
  type Order,
  type OrderColumn,
  type SortDirection,
} from "./order.ts";

/** A named sort made total, and what cursors of it are bound to. */
export interface ResolvedSort {
  readonly name: string;
  readonly order: Order;
  readonly id: string;
  /** Not declared: another sort read from its end. */
  readonly implied: boolean;
}

type Columns = ReadonlyMap<string, ResolvedColumn>;

/** Every sort a request can name: those declared, and each of them from its end under `-name`. */
export function resolveSorts(
  options: PageOptions,
  columns: Columns,
  identity: (text: string) => string,
): ReadonlyMap<string, ResolvedSort> {
  const declared = Object.entries(options.sorts ?? { key: options.key });
  const sorts = new Map<string, ResolvedSort>();
  const add = (name: string, order: Order, implied: boolean): void => {
    const id = identity(JSON.stringify(order));
    sorts.set(name, { name, order, id, implied });
  };
  for (const [name, items] of declared) add(name, totalOrder(name, items, options, columns), false);
  for (const [name, { order }] of [...sorts]) {
    const reversed = name.startsWith("-") ? name.slice(1) : `-${name}`;
    if (!sorts.has(reversed)) add(reversed, inverse(order), true);
  }
  if (sorts.size === 0) throw sortInvalid("sorts is empty.");
  return sorts;
}

/** The sort a request named. @throws ProblemError 400 `unknown-sort` */
export function sortNamed(
  sorts: ReadonlyMap<string, ResolvedSort>,
  name: unknown,
  allowed: readonly string[],
): ResolvedSort {
  const sort = typeof name === "string" ? sorts.get(name) : undefined;
  if (sort !== undefined) return sort;
  throw pageProblem(
    "unknown-sort",
    `Sort by one of ${allowed.join(", ")}, with "-" before it for the reverse.`,
    { allowed },
  );
}

function totalOrder(
  name: string,
  items: readonly SortItem[],
  { key }: PageOptions,
  columns: Columns,
): Order {
  const order: OrderColumn[] = [];
  for (const item of items) {
    order.push(orderColumn(name, item, columns));
    if (order.filter((one) => one.name === order.at(-1)!.name).length > 1)
      throw sortInvalid(`Sort ${name} names ${order.at(-1)!.name} twice.`);
    if (isTotal(order, key, columns)) return order;
  }
  if (order.length === 0) throw sortInvalid(`Sort ${name} is empty.`);
  const { direction } = order.at(-1)!;
  for (const column of key) {
    if (order.some((one) => one.name === column)) continue;
    order.push(orderColumn(name, { column, direction }, columns));
  }
  return order;
}

/** What follows a column that ends every tie cannot matter. */
function isTotal(order: Order, key: readonly string[], columns: Columns): boolean {
  return (
    columns.get(order.at(-1)!.name)!.unique ||
    key.every((column) => order.some((one) => one.name === column))
  );
}

function orderColumn(sort: string, item: SortItem, columns: Columns): OrderColumn {
  const { name, direction, nulls } = parts(item);
  const column = columns.get(name);
  if (column === undefined) throw sortInvalid(`Sort ${sort} names an unknown column: ${name}.`);
  const { type, nullable, sortSql } = column;
  if (!isSortable(type)) throw sortInvalid(`Sort ${sort} names ${name}, of type ${type}.`);
  if (direction !== "asc" && direction !== "desc")
    throw sortInvalid(`Sort ${sort} has a direction that is neither asc nor desc.`);
  const placed = nulls ?? defaultNulls(direction);
  if (placed !== "first" && placed !== "last")
    throw sortInvalid(`Sort ${sort} places nulls neither first nor last.`);
  return { name, sql: sortSql, type, nullable, direction, nulls: placed };
}

function parts(item: SortItem): {
  name: string;
  direction: SortDirection;
  nulls: "first" | "last" | undefined;
} {
  if (typeof item !== "string")
    return { name: item.column, direction: item.direction ?? "asc", nulls: item.nulls };
  return item.startsWith("-")
    ? { name: item.slice(1), direction: "desc", nulls: undefined }
    : { name: item, direction: "asc", nulls: undefined };
}

const sortInvalid = (message: string): Error =>
  pageError(
    "HST_PAGE_SORT",
    message,
    'Write a sort as ["-updatedAt"] or [{ column: "updatedAt", direction: "desc", nulls: "last" }].',
  );
