/**
 * Pages by cursor (keyset paging).
 *
 * Invariants:
 * - A page starts right after a place in a total order, so what is inserted or deleted elsewhere
 *   moves no row over a page's edge.
 * - The side travelled is known from one row more than the page shows.
 * - The other side is known from the cursor's own row: the statement reads from it on, and while it is
 *   there it is itself a row of the other side. Only when it is gone a second statement looks.
 * - A page read from an end of the list has nothing on that end's side.
 */
import type { Sql, Statement } from "../sql.ts";
import { keyCodec } from "./column-type.ts";
import { type CursorRules, decodeCursor, encodeCursor, type Position } from "./cursor.ts";
import { pageError } from "./errors.ts";
import { selectFields } from "./fields.ts";
import { filterIdOf } from "./filter-id.ts";
import { clampLimit, type LimitInput } from "./limit.ts";
import { inverse, type Order } from "./order.ts";
import { type DriverRow, keysOf, type Page, rowShape } from "./page.ts";
import type { PageSpec } from "./page-spec.ts";
import { type BindKey, isAt, seek } from "./seek.ts";
import { sortNamed } from "./sorts.ts";
import { AT_CURSOR, anyRow, parameters, type Scan, type Source, scanText } from "./statement.ts";

/** What one request wants of a list. */
export interface PageRequest {
  /** A sort's name, `-` before it for the reverse. @default the list's `sortDefault` */
  readonly sort?: string | undefined;
  /** The condition rows must meet: sql`category = ${category}`. */
  readonly filter?: Sql | undefined;
  /**
   * What tells this filter from others; a cursor works only with the id it was made under. Give one
   * when the filter holds a value that changes between pages (the time), or when something outside
   * the filter narrows the rows (row-level security: the tenant).
   * @default a hash of the filter's text and values
   */
  readonly filterId?: string | undefined;
  /** `next` or `prev` of an earlier page. Anything else is a 400, also the empty text. */
  readonly cursor?: string | undefined;
  /** Rows wanted, clamped into 1..max. */
  readonly limit?: LimitInput;
  /** Fields wanted. @default all */
  readonly fields?: readonly string[] | undefined;
  /** Without a cursor: the end of the list to start from. @default "start" */
  readonly from?: "start" | "end" | undefined;
}

/** A page's statement for any driver, and what turns its rows into the page. */
export interface PageQuery<Row> {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Names the selected fields, the same for every order they were asked in: for cache keys. */
  readonly fieldsId: string;
  /**
   * The second statement, for the rows the first one gave: needed only when the row the cursor was
   * taken from has gone or moved since. Answers with one row, `exists`: whether there still are rows
   * on the side the cursor came from.
   */
  otherSide(rows: readonly DriverRow[]): Statement | undefined;
  /**
   * The page from the statement's rows, and from those of `otherSide` where there is one; without
   * them the side the cursor came from is taken to have rows still.
   * @throws HST_PAGE_ROW for other rows, HST_PAGE_CURSOR_SIZE when a key is too long for a cursor
   */
  finish(rows: readonly DriverRow[], otherSide?: readonly DriverRow[]): Page<Row>;
}

/**
 * Builds the statement of a page by cursor.
 * @throws ProblemError 400 for an invalid cursor, an unknown sort or an unknown field;
 * HST_PAGE_CURSOR_KEYS when the list was defined without cursor keys
 */
export function pageQuery<Row>(spec: PageSpec<Row>, request: PageRequest = {}): PageQuery<Row> {
  const rules = cursorRules(spec, request);
  const position = request.cursor === undefined ? undefined : decodeCursor(request.cursor, rules);
  const backward =
    position === undefined ? request.from === "end" : position.direction === "backward";
  const { columns, id } = selectFields(spec, request.fields);
  const limit = clampLimit(request.limit, spec.limit);
  const source: Source = { from: spec.from, filter: request.filter };
  const order = backward ? inverse(rules.order) : rules.order;
  const { values, bind } = parameters(request.filter);
  const bindKey: BindKey = (index) => bind(index, parameterOf(order, position!, index));
  const start = position && startAt(order, position, bindKey);
  const extra = position === undefined || position.inclusive ? 1 : 2;
  const text = scanText({ source, columns, order, rowsMax: limit + extra, branches: [], ...start });
  const shape = rowShape(columns) as (row: DriverRow) => Row;
  return {
    text,
    values,
    fieldsId: id,
    otherSide: (rows) =>
      position === undefined || startsAtCursor(rows, order, position)
        ? undefined
        : otherSideStatement(source, order, position),
    finish: (rows, other) => finishPage({ rows, other, limit, backward, position, rules, shape }),
  };
}

function parameterOf(order: Order, { keys }: Position, index: number): string | null {
  const text = keys[index]!;
  return text === null ? null : (keyCodec(order[index]!.type).toParameter?.(text) ?? text);
}

/** Where the scan starts: at the cursor's row when that is not itself wanted, to see if it lives. */
function startAt(
  order: Order,
  position: Position,
  bind: BindKey,
): Pick<Scan, "branches" | "atCursor"> {
  const { keys } = position;
  const branches = seek(order, { keys, inclusive: true }, bind);
  const byText = order.every((column) => keyCodec(column.type).canonical);
  if (position.inclusive || byText) return { branches };
  return { branches, atCursor: (expressions) => isAt(order, expressions, { keys, bind }) };
}

/** Whether the first row is the cursor's own: by the statement's word, or by the text of its keys. */
function startsAtCursor(rows: readonly DriverRow[], order: Order, position: Position): boolean {
  const first = rows[0];
  if (first === undefined || position.inclusive) return false;
  if (AT_CURSOR in first) return isTrue(first[AT_CURSOR]);
  return keysOf(first, order).every((text, index) => text === position.keys[index]);
}

/** What cursors of this request are bound to. */
export function cursorRules(spec: PageSpec<unknown>, request: PageRequest): CursorRules {
  const { cursor } = spec;
  if (cursor === undefined)
    throw pageError(
      "HST_PAGE_CURSOR_KEYS",
      "This list was defined without cursor keys.",
      "Pass definePage({ …, cursor: { keys: keyRing(…) } }).",
    );
  const sort = sortNamed(spec.sorts, request.sort ?? spec.sortDefault, spec.sortNames);
  return {
    ring: cursor.keys(),
    sortId: sort.id,
    filterId: filterIdOf(request),
    order: sort.order,
    lengthMax: cursor.lengthMax,
    ttlMs: cursor.ttlMs,
    wallMs: cursor.wallMs(),
  };
}

/** Looks against the direction of travel, at the cursor's own place too unless the page had it. */
function otherSideStatement(source: Source, order: Order, position: Position): Statement {
  const { values, bind } = parameters(source.filter);
  const back = inverse(order);
  const place = { keys: position.keys, inclusive: !position.inclusive };
  const branches = seek(back, place, (index) => bind(index, parameterOf(order, position, index)));
  return { text: `select ${anyRow(source, back, branches)} as "exists"`, values };
}

interface Finish<Row> {
  readonly rows: readonly DriverRow[];
  readonly other: readonly DriverRow[] | undefined;
  readonly limit: number;
  readonly backward: boolean;
  readonly position: Position | undefined;
  readonly rules: CursorRules;
  readonly shape: (row: DriverRow) => Row;
}

function finishPage<Row>(read: Finish<Row>): Page<Row> {
  const { limit, backward, position, rules } = read;
  const own = position !== undefined && startsAtCursor(read.rows, rules.order, position);
  const rows = own ? read.rows.slice(1) : read.rows;
  const behind = position !== undefined && (own || assumed(read.other));
  if (rows.length === 0 && position !== undefined) return emptyPage(read, position, behind);
  const kept = rows.slice(0, limit);
  if (backward) kept.reverse();
  const ahead = rows.length > limit;
  const [hasNext, hasPrev] = backward ? [behind, ahead] : [ahead, behind];
  const edge = (row: DriverRow, direction: Position["direction"]): string =>
    encodeCursor({ direction, keys: keysOf(row, rules.order), inclusive: false }, rules);
  return {
    rows: kept.map(read.shape),
    hasNext,
    hasPrev,
    ...(hasNext ? { next: edge(kept.at(-1)!, "forward") } : {}),
    ...(hasPrev ? { prev: edge(kept[0]!, "backward") } : {}),
    limit,
  };
}

const assumed = (other: readonly DriverRow[] | undefined): boolean =>
  other === undefined || isTrue(other[0]?.["exists"]);

/** Everything after the cursor is gone: the way back starts at the cursor's own place. */
function emptyPage<Row>(read: Finish<Row>, position: Position, behind: boolean): Page<Row> {
  const { limit, rules } = read;
  const forward = position.direction === "forward";
  const direction = forward ? "backward" : "forward";
  const inclusive = !position.inclusive;
  const back = behind
    ? encodeCursor({ direction, keys: position.keys, inclusive }, rules)
    : undefined;
  return {
    rows: [],
    hasNext: behind && !forward,
    hasPrev: behind && forward,
    ...(back === undefined ? {} : forward ? { prev: back } : { next: back }),
    limit,
  };
}

/** Drivers differ in how they give a boolean. */
const isTrue = (value: unknown): boolean => value === true || value === "t" || value === "true";
