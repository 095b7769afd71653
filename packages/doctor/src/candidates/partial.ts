import { btree, columnTerm, type Idea, keyOf, orderKeys } from "./idea.ts";
import { NULL_SHARE_WEAK, type Shape } from "./shape.ts";
import { columnOf, distinctClauses, type Table } from "./table.ts";
import { type CandidateReason, type Clause, KEYS_MAX, type Scan, type Term } from "./types.ts";

/** A partial index that holds more of the table is not smaller enough. */
export const PARTIAL_SHARE_MAX = 0.2;
/** The condition must be what nearly all statements ask of its column, or others are left out. */
export const PARTIAL_USE_MIN = 0.8;
/** A literal of a column with more values is one of many, not a state. */
export const PARTIAL_DISTINCT_MAX = 100;
const CONDITIONS_MAX = 2;

type Constant = Extract<Clause, { kind: "constant" }>;

/** Indexes of only the rows that a constant condition asks for. */
export function partialIdeas(scan: Scan, shape: Shape, table: Table): readonly Idea[] {
  const constants = distinctClauses(scan.clauses)
    .filter((clause) => clause.kind === "constant")
    .filter((clause) => isRare(clause, table) || isInTheWay(clause, shape, table))
    .filter((clause) => isUsual(clause, table))
    .slice(0, CONDITIONS_MAX);
  const all = constants.length > 1 ? [constants] : [];
  return [...constants.map((constant) => [constant]), ...all].flatMap((each) =>
    partialIdea(each, shape),
  );
}

function partialIdea(constants: readonly Constant[], shape: Shape): readonly Idea[] {
  const fixed = new Set(constants.flatMap((constant) => constant.columns));
  const open = ({ column }: Term): boolean => column === undefined || !fixed.has(column);
  const order = orderKeys(shape.order.filter(({ term }) => open(term)));
  const single = shape.single
    .filter((term) => open(term) && !shape.weak.has(term.sql))
    .slice(0, KEYS_MAX - 1);
  const sorted = [...single.map((term) => keyOf(term)), ...order];
  // Read in order, with what has several values tested in the index.
  const tested = [...sorted, ...shape.many.filter(open).map((term) => keyOf(term))];
  const joins = shape.joins.flatMap(({ terms }) => terms);
  const [range] = shape.ranges.filter(open);
  const before = shape.equal
    .filter(open)
    .slice(0, KEYS_MAX - 1)
    .map((term) => keyOf(term));
  const facts = {
    predicate: constants.map((constant) => constant.sql).join(" and "),
    reasons: ["partial"] as readonly CandidateReason[],
    promise: 0.7,
  };
  const lookup = [...before, ...(range === undefined ? [] : [keyOf(range)])];
  const keys = lookup.length > 0 ? lookup : joins.map((term) => keyOf(term));
  // Nothing else is asked: the condition alone picks the rows.
  const own =
    keys.length > 0 || order.length > 0 ? [] : [...fixed].map((name) => keyOf(columnTerm(name)));
  return [
    btree({ ...facts, keys: [...keys, ...own], sought: "lookup" }),
    order.length === 0 ? undefined : btree({ ...facts, keys: sorted, sought: "order" }),
    order.length === 0 || tested.length === sorted.length
      ? undefined
      : btree({ ...facts, keys: tested, sought: "order" }),
  ].flatMap((idea) => idea ?? []);
}

/** Most rows have no value: as a key it would only stand between what is sought and the order. */
function isInTheWay({ sql, columns }: Constant, { order }: Shape, table: Table): boolean {
  const nulls = columnOf(table, columns[0])?.numbers?.nullShare ?? 0;
  return order.length > 0 && sql.endsWith("is null") && nulls > NULL_SHARE_WEAK;
}

/** Whether few rows meet it, as far as numbers without values can tell. */
function isRare({ sql, columns }: Constant, table: Table): boolean {
  const column = columnOf(table, columns[0]);
  const numbers = column?.numbers;
  if (column === undefined || numbers === undefined) return column !== undefined;
  if (sql.endsWith("is null")) return numbers.nullShare < PARTIAL_SHARE_MAX;
  if (sql.endsWith("is not null")) return 1 - numbers.nullShare < PARTIAL_SHARE_MAX;
  // Which of the values it is cannot be told: the planner knows.
  if (column.baseType === "bool" || sql.includes("<>") || sql.includes(" not in ("))
    return numbers.distinct <= PARTIAL_DISTINCT_MAX;
  const uneven = numbers.topShare !== undefined && numbers.topShare > 1 - PARTIAL_SHARE_MAX;
  return (
    numbers.distinct <= PARTIAL_DISTINCT_MAX &&
    (uneven || 1 / Math.max(1, numbers.distinct) < PARTIAL_SHARE_MAX)
  );
}

function isUsual({ sql, columns }: Constant, table: Table): boolean {
  const shares = table.constants.get(columns[0] ?? "");
  if (shares === undefined) return false;
  const all = [...shares.values()].reduce((sum, share) => sum + share, 0);
  return all === 0 || (shares.get(sql) ?? 0) / all >= PARTIAL_USE_MIN;
}
