/**
 * A bulk write's connection, inside its transaction.
 *
 * Invariants:
 * - every statement has a limit of its own, told to the server too where it is longer than usual;
 * - it is recorded and measured as one statement, and never judged as a repeated one;
 * - errors never quote data: of COPY's CONTEXT only the line and the column's name are kept.
 */
import { createHash } from "node:crypto";
import type { PgClient, PgResult } from "../driver.ts";
import type { PostgresError } from "../errors.ts";
import { aborted, timedOut } from "../failures.ts";
import { recordEnded, recordIn, recordSent } from "../recording/record.ts";
import { explain, runOn } from "../session.ts";
import { type Statement, sql, trustedSql } from "../sql.ts";
import type { TransactionParts } from "../tx.ts";
import { type Copied, CopyIn, type NextBlock } from "./copy-in.ts";
import { quoted } from "./layout.ts";

/** Where a COPY says it failed. */
export interface CopyPlace {
  /** From 1. */
  readonly line: number;
  /** As in the COPY's own list. */
  readonly column: string | undefined;
}

const copyPlaces = new WeakMap<PostgresError, CopyPlace>();

/** Where a failed `copy` says it failed. */
export const copyPlaceOf = (error: unknown): CopyPlace | undefined =>
  copyPlaces.get(error as PostgresError);

export interface Line {
  /** Runs one statement. A `name` keeps it prepared. */
  run(
    statement: Statement,
    more?: { readonly prepared?: boolean; readonly timeoutMs?: number },
  ): Promise<PgResult>;
  command(text: string): Promise<PgResult>;
  /** Copies blocks into what `text` names; gives the rows and bytes. */
  copy(text: string, next: NextBlock): Promise<Copied>;
  /** Runs `work` with settings of this transaction, and puts them back. */
  withSettings<T>(settings: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T>;
  readonly statements: number;
  /** What the caller asked for. */
  readonly ownTimeoutMs: number | undefined;
  readonly serverTimeoutMs: number;
  /** True where the transaction is this write's own. */
  readonly own: boolean;
  /** A temporary table was made: a session that had one tells a watch nothing any more. */
  retire(): void;
  /** After a failed statement: a transaction again in which nothing of this write was done. */
  restart(): Promise<void>;
  /** Waits, but not after an abort. */
  waiting<T>(work: Promise<T>): Promise<T>;
}

export interface LineOptions {
  readonly own: boolean;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

export function lineOn(parts: TransactionParts, { own, timeoutMs, signal }: LineOptions): Line {
  const { lease, around, deadlineMs } = parts;
  const usualMs = timeoutMs === undefined ? parts.defaultTimeoutMs : timeoutMs + AFTER_SERVER_MS;
  const left = (wantedMs: number): number =>
    Math.max(1, Math.min(wantedMs, deadlineMs - around.clock.nowMs()));
  let statements = 0;

  const run: Line["run"] = async (statement, { prepared, timeoutMs: ownMs } = {}) => {
    statements++;
    const record = recordIn(parts, { text: statement.text, values: undefined });
    if (record !== undefined) record.unjudged = true;
    const outcome = await runOn(
      lease,
      statement,
      {
        timeoutMs: left(ownMs ?? usualMs),
        signal,
        name: prepared === true ? preparedName(statement.text) : undefined,
        onLost: "rolled-back",
        record,
      },
      around,
    );
    if (outcome.kind === "failed") throw outcome.error;
    return outcome.result;
  };

  const copy: Line["copy"] = (text, next) => {
    statements++;
    const timeout = left(usualMs);
    return copyOn(parts, text, { next, timeoutMs: timeout, signal });
  };

  return {
    run,
    copy,
    command: (text) => run(trustedSql(text)),
    async withSettings(settings, work) {
      const names = Object.keys(settings);
      if (names.length === 0) return await work();
      const before = (
        await run(
          sql`select ${sql.join(names.map((name, at) => sql`current_setting(${name}) as ${trustedSql(`s${at}`)}, set_config(${name}, ${settings[name]}, true)`))}`,
        )
      ).rows[0] as Readonly<Record<string, string>>;
      const value = await work();
      // After a failure there is nothing to put back: the transaction, or the savepoint, is undone.
      await run(
        sql`select ${sql.join(names.map((name, at) => sql`set_config(${name}, ${before[`s${at}`]}, true)`))}`,
      );
      return value;
    },
    get statements() {
      return statements;
    },
    ownTimeoutMs: timeoutMs,
    serverTimeoutMs: around.statementTimeoutMs,
    own,
    retire: () => parts.retire?.(),
    async restart() {
      await run(trustedSql(own ? "rollback and chain" : `rollback to savepoint ${SAVEPOINT}`));
    },
    waiting: (work) => untilAborted(work, signal),
  };
}

interface CopyRun {
  readonly next: NextBlock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

async function copyOn(
  parts: TransactionParts,
  text: string,
  { next, timeoutMs, signal }: CopyRun,
): Promise<Copied> {
  const { lease, around } = parts;
  const { clock, measure, database } = around;
  const record = recordIn(parts, { text, values: undefined });
  const startedMs = clock.nowMs();
  if (record !== undefined) {
    record.unjudged = true;
    record.streamed = true;
  }
  recordSent(record, startedMs, 0);
  const ended = (rows: number, error?: unknown): void => {
    const nowMs = clock.nowMs();
    recordEnded(record, { nowMs, rows, error, database });
    measure.statement(text, nowMs - startedMs, { rows, ok: error === undefined });
  };
  const onTimeout = (): PostgresError => timedOut(timeoutMs, text);
  const inputs = new Set<unknown>();
  const noted = (error: unknown): never => {
    inputs.add(error);
    throw error;
  };
  const ours: NextBlock = () => {
    try {
      const block = next();
      return block instanceof Promise ? block.catch(noted) : block;
    } catch (error) {
      return noted(error);
    }
  };
  try {
    const work = (client: PgClient): Promise<Copied> => submitted(client, text, ours);
    const copied = await lease.use(work, { timeoutMs, signal, onTimeout });
    ended(copied.rows);
    return copied;
  } catch (error) {
    ended(0, error ?? new Error("failed"));
    // The input's own error is passed on as it is.
    if (inputs.has(error)) throw error;
    const elapsedMs = clock.nowMs() - startedMs;
    const explained = explain(error, { text, elapsedMs, onLost: "rolled-back" }, around).error;
    const place = copyPlace(error, text);
    if (place !== undefined) copyPlaces.set(explained, place);
    throw explained;
  }
}

/** `work` of the lease: it ends when the client's socket does, because the driver then tells. */
function submitted(client: PgClient, text: string, next: NextBlock) {
  const copy = new CopyIn(text, next);
  // The driver gives a statement object back, no promise.
  void client.query(copy as never);
  return copy.done;
}

const PLACE = /^, line (\d+)(?:, column (.+?)(?=: "|: null input|\n|$))?/;

/**
 * CONTEXT is like `COPY orders, line 37, column qty: "…"`: the value after it is never kept, and what
 * comes first is the table that the COPY names, whatever it is called.
 */
function copyPlace(error: unknown, text: string): CopyPlace | undefined {
  const { where } = (error ?? {}) as { where?: unknown };
  if (typeof where !== "string") return undefined;
  const start = /(?:^|\n)COPY /.exec(where);
  if (start === null) return undefined;
  const rest = where.slice(start.index + start[0].length);
  const isTable = (name: string): boolean =>
    text.includes(`${quoted(name)} (`) || text.startsWith(`copy pg_temp.${name} (`);
  const ends = [...rest.matchAll(/, line /g)].map(({ index }) => index);
  const end = ends.find((index) => isTable(rest.slice(0, index)));
  const found = end === undefined ? null : PLACE.exec(rest.slice(end));
  if (found === null) return undefined;
  const column = found[2];
  // Only what this write called a column itself: anything else could be data.
  const known = column !== undefined && (text.includes(quoted(column)) || /^c\d+$/.test(column));
  return { line: Number(found[1]), column: known ? column : undefined };
}

/** Parsed once on each connection; one name for one text. */
const preparedName = (text: string): string =>
  `hasten_bulk_${createHash("sha256").update(text).digest("base64url").slice(0, 32)}`;

/** Around a bulk write in a transaction of the caller. */
export const SAVEPOINT = "hasten_bulk";

/** The server's own limit is the one to end a statement. */
const AFTER_SERVER_MS = 1_000;

/** @throws HST_PG_ABORTED */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await work;
  if (signal.aborted) throw aborted(signal);
  const given = Promise.withResolvers<never>();
  const onAbort = (): void => given.reject(aborted(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, given.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
