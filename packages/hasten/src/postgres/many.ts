import { optionInvalid, PostgresError } from "./errors.ts";
import type { Queryable, QueryOptions } from "./queryable.ts";
import { checkedBatchSize, sendTogether, type TogetherPlace } from "./send-together.ts";
import { ident, type Statement, sql } from "./sql.ts";

/** Ids in one statement, and in one call. */
export const IDS_PER_STATEMENT = 10_000;
export const IDS_MAX = 1_000_000;

/** A value that identifies a row. An int8 comes back as text, so pass it as text or bigint. */
export type Id = string | number | bigint;

export interface ByIdsOptions extends QueryOptions {
  /** Columns to read. @default all */
  readonly columns?: readonly string[];
  /** Ids in one statement. @default 10_000. Bounds 1 to 10_000. */
  readonly idsPerStatement?: number;
}

/**
 * Reads the rows whose unique `column` is among `ids`: one statement for up to 10,000 of them.
 * The map holds the found rows under the ids as given, in the order given; duplicates once. Ids are
 * told apart by the text PostgreSQL writes, a uuid in any case: "7" is found, "007" is not.
 * @throws HST_PG_ROWS when two rows share an id, HST_PG_OPTION beyond 1,000,000 ids.
 */
export async function byIds<R, I extends Id>(
  db: Queryable,
  from: { readonly table: string | readonly string[]; readonly column: string },
  ids: readonly I[],
  options: ByIdsOptions = {},
): Promise<Map<I, R>> {
  if (ids.length > IDS_MAX) throw optionInvalid("ids", `at most ${IDS_MAX}`, ids.length);
  const perStatement = options.idsPerStatement ?? IDS_PER_STATEMENT;
  if (!Number.isInteger(perStatement) || perStatement < 1 || perStatement > IDS_PER_STATEMENT)
    throw optionInvalid("idsPerStatement", `1 to ${IDS_PER_STATEMENT}`, perStatement);
  const wanted = new Map<string, I>();
  for (const id of ids) if (!wanted.has(String(id))) wanted.set(String(id), id);
  const found = new Map<string, R>();
  const all = [...wanted.keys()];
  for (let at = 0; at < all.length; at += perStatement) {
    const statement = selectByIds(from, all.slice(at, at + perStatement), options.columns);
    for (const row of await db.query<R & { [ID_TEXT]: string }>(statement, options))
      keep(found, row);
  }
  const ordered = new Map<I, R>();
  for (const [text, id] of wanted) {
    const row = found.get(text) ?? found.get(otherSpelling(text, wanted));
    if (row !== undefined) ordered.set(id, row);
  }
  return ordered;
}

const ID_TEXT = "hasten:id";

function selectByIds(
  from: { readonly table: string | readonly string[]; readonly column: string },
  ids: readonly string[],
  columns: readonly string[] | undefined,
): Statement {
  const table = typeof from.table === "string" ? ident(from.table) : ident(...from.table);
  const column = sql`t.${ident(from.column)}`;
  const list =
    columns === undefined ? sql`t.*` : sql.join(columns.map((name) => sql`t.${ident(name)}`));
  return sql`select ${list}, ${column}::text as ${ident(ID_TEXT)} from ${table} as t where ${column} = any(${ids})`;
}

function keep<R>(found: Map<string, R>, row: R & { [ID_TEXT]: string }): void {
  const { [ID_TEXT]: text, ...rest } = row;
  if (found.has(text))
    throw new PostgresError("HST_PG_ROWS", {
      message: "Two rows share one id: the column is not unique.",
      fix: "Use query() with = any(…) for a column that is not unique.",
    });
  found.set(text, rest as R);
}

const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;

/** PostgreSQL writes a uuid in lower case; in a text column that is another id, which may be wanted too. */
function otherSpelling(text: string, wanted: ReadonlyMap<string, unknown>): string {
  const lower = UUID.test(text) ? text.toLowerCase() : text;
  return wanted.has(lower) ? text : lower;
}

export interface ExecuteManyOptions {
  /** Statements sent together, in one round trip. @default 100. Bounds 1 to 1_000. */
  readonly batchSize?: number;
  /** Longest time for one batch. @default statementTimeoutMs + 1_000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ManyResult {
  readonly statements: number;
  /** Sum of the rows returned or changed. */
  readonly rowCount: number;
  readonly roundTrips: number;
}

/** Sends statements in pipelined batches on one connection, inside a transaction that the caller holds. */
export async function sendBatches<S>(
  place: TogetherPlace,
  sets: { readonly items: Iterable<S>; readonly build: (set: S) => Statement },
  options: ExecuteManyOptions & { readonly defaultTimeoutMs: number },
): Promise<ManyResult> {
  const size = checkedBatchSize(options.batchSize);
  const timeoutMs = options.timeoutMs ?? options.defaultTimeoutMs;
  const onTimeout = (): PostgresError => manyTimedOut(timeoutMs);
  const total = { statements: 0, rowCount: 0, roundTrips: 0 };
  for (const batch of chunks(sets.items, size)) {
    const first = total.statements;
    const limit = { timeoutMs, signal: options.signal, onTimeout, first };
    const sent = await sendTogether(place, batch.map(sets.build), limit);
    if (sent.kind === "failed") throw sent.error;
    for (const { rowCount } of sent.results) total.rowCount += rowCount ?? 0;
    total.statements += batch.length;
    total.roundTrips++;
  }
  return total;
}

const manyTimedOut = (timeoutMs: number): PostgresError =>
  new PostgresError("HST_PG_TIMEOUT", {
    message: `A batch had no answer within ${Math.round(timeoutMs)} ms; its transaction is rolled back.`,
    fix: "Use a smaller batchSize or a longer timeoutMs.",
  });

function* chunks<S>(items: Iterable<S>, size: number): Generator<S[]> {
  let chunk: S[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
