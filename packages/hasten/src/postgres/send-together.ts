/**
 * Statements sent together: all on the wire before the first answer is waited for.
 *
 * Invariant: each is a statement of its own to the server (one Sync each), so outside a transaction a
 * failing one neither undoes nor stops the others; which was the first to fail is told by its number.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import {
  currentTrace,
  hasStatementHooks,
  type QueryRecord,
  type TransactionSpan,
  unjudged,
} from "../core/trace/index.ts";
import type { PgResult } from "./driver.ts";
import { optionInvalid, PostgresError } from "./errors.ts";
import type { Lease, RunLimit } from "./lease.ts";
import { recordEnded, recordIn, recordSent } from "./recording/record.ts";
import { explain, type RunFailure, type Surroundings } from "./session.ts";
import type { Statement } from "./sql.ts";
import { toPgStatement } from "./statement.ts";

/** Default and bound of statements sent together. */
export const BATCH_SIZE = 100;
export const BATCH_SIZE_MAX = 1_000;

/** One of many statements failed: the error it would have had alone, and which it was. */
export class SetError extends PostgresError {
  /** Its number among all, from 0. */
  readonly index: number;

  constructor(error: PostgresError, index: number) {
    const tail = ` ${error.fix} [${error.code}]`;
    const said = error.message.endsWith(tail)
      ? error.message.slice(0, -tail.length)
      : error.message;
    const message = `Set ${index}: ${said}`;
    super(error.code, { message, fix: error.fix }, error);
    this.name = "PostgresError";
    this.index = index;
  }
}

/** @throws HST_PG_OPTION */
export function checkedBatchSize(size: number = BATCH_SIZE): number {
  if (!Number.isInteger(size) || size < 1 || size > BATCH_SIZE_MAX)
    throw optionInvalid("batchSize", `1 to ${BATCH_SIZE_MAX}`, size);
  return size;
}

export type Together =
  | { readonly kind: "answered"; readonly results: readonly PgResult[] }
  | {
      readonly kind: "failed";
      readonly failure: RunFailure["failure"];
      readonly error: PostgresError;
    };

/** Where they are sent: a connection, and the transaction's span where they run in one. */
export interface TogetherPlace {
  readonly lease: Lease;
  readonly around: Surroundings;
  readonly span?: TransactionSpan | undefined;
}

/** Sends them and waits for all. `first` is the number of the first. Rejects only for what cannot be sent. */
export async function sendTogether(
  place: TogetherPlace,
  statements: readonly Statement[],
  limit: RunLimit & { readonly first: number },
): Promise<Together> {
  const { lease, around } = place;
  const { clock, measure } = around;
  const sent = statements.map((one, index) => numbered(one, limit.first + index));
  const records = recordsOf(place, sent);
  const startedMs = clock.nowMs();
  const failed = (error: unknown, index: number): Together => {
    const { text } = sent[index]!;
    const elapsedMs = clock.nowMs() - startedMs;
    const told = explain(error, { text, elapsedMs, onLost: "rolled-back" }, around);
    const ofOne = told.failure === "refused" || told.failure === "driver";
    const explained = ofOne ? new SetError(told.error, limit.first + index) : told.error;
    endFrom(records, index, { clock, database: around.database, error: explained });
    return { kind: "failed", failure: told.failure, error: explained };
  };
  let answers: readonly PromiseSettledResult<PgResult>[];
  try {
    answers = await lease.runAll(sent, limit);
  } catch (error) {
    return failed(error, 0);
  }
  const nowMs = clock.nowMs();
  const eachMs = (nowMs - startedMs) / Math.max(1, statements.length);
  const results: PgResult[] = [];
  for (const [index, answer] of answers.entries()) {
    if (answer.status === "rejected") return failed(answer.reason, index);
    results.push(answer.value);
    const rows = answer.value.rowCount ?? 0;
    measure.statement(sent[index]!.text, eachMs, { rows, ok: true });
    recordEnded(records[index], { nowMs, rows, database: around.database });
  }
  return { kind: "answered", results };
}

type Records = readonly (QueryRecord | undefined)[];

/** That there are many of one shape is what a batch is for. */
function recordsOf(place: TogetherPlace, sent: readonly Statement[]): Records {
  if (currentTrace() === undefined && !hasStatementHooks()) return [];
  const nowMs = place.around.clock.nowMs();
  const records = unjudged(() => sent.map((one) => recordIn(place, one)));
  for (const record of records) recordSent(record, nowMs, 0);
  return records;
}

function endFrom(
  records: Records,
  index: number,
  { clock, database, error }: { clock: Clock; database: string; error: PostgresError },
): void {
  const nowMs = clock.nowMs();
  for (const record of records.slice(index))
    recordEnded(record, { nowMs, rows: 0, error, database });
}

/** Checked before anything is sent. */
function numbered(statement: Statement, index: number): ReturnType<typeof toPgStatement> {
  try {
    return toPgStatement(statement, preparedName(statement?.text));
  } catch (error) {
    throw error instanceof PostgresError ? new SetError(error, index) : error;
  }
}

/** Parsed once on each connection; one name for one text. */
const preparedName = (text: unknown): string =>
  `hasten_${createHash("sha256").update(String(text)).digest("base64url").slice(0, 32)}`;
