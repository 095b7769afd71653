import { createHash } from "node:crypto";
import type { Dedicated } from "../dedicated.ts";
import { PostgresError } from "../errors.ts";
import { isUnavailable } from "../failures.ts";
import { ident, sql, trustedSql } from "../sql.ts";
import { type Migration, migrationError } from "./files.ts";
import type { Ledger } from "./ledger.ts";
import type { SplitStatement } from "./split.ts";

/** What onProgress is told. */
export type MigrationEvent =
  | { readonly kind: "waiting" }
  | (Position & { readonly kind: "applying"; readonly statement: number; readonly of: number })
  | (Position & { readonly kind: "applied"; readonly durationMs: number });

interface Position {
  readonly version: number;
  readonly name: string;
  /** Number of files in the directory. */
  readonly total: number;
}

export interface Applied {
  readonly version: number;
  readonly name: string;
  readonly durationMs: number;
}

interface Progress {
  readonly total: number;
  readonly onProgress: ((event: MigrationEvent) => void) | undefined;
}

/** Applies and records one file. @throws HST_PG_MIGRATION naming file and line */
export async function applyFile(
  session: Dedicated,
  ledger: Ledger,
  file: Migration,
  { total, onProgress }: Progress,
): Promise<Applied> {
  const { version, name, statements } = file;
  const startedMs = performance.now();
  const runOne = async (statement: SplitStatement, index: number): Promise<void> => {
    const of = statements.length;
    onProgress?.({ kind: "applying", version, name, total, statement: index + 1, of });
    await session.run(trustedSql(statement.text)).catch((cause: unknown) => {
      throw failedAt(file, statement, cause);
    });
  };
  const finish = (): Promise<void> => ledger.finish(file, performance.now() - startedMs);
  if (file.transaction) await inTransaction(session, file, runOne, finish);
  else await oneByOne(session, ledger, file, runOne).then(finish);
  const durationMs = performance.now() - startedMs;
  onProgress?.({ kind: "applied", version, name, total, durationMs });
  return { version, name, durationMs };
}

type RunOne = (statement: SplitStatement, index: number) => Promise<void>;

async function inTransaction(
  session: Dedicated,
  file: Migration,
  runOne: RunOne,
  finish: () => Promise<void>,
): Promise<void> {
  await session.run(trustedSql("begin"));
  try {
    for (const [index, statement] of file.statements.entries()) await runOne(statement, index);
    // The record is the runner's to write, whatever role the file left.
    await session.run(trustedSql("reset session authorization"));
    await finish();
  } catch (error) {
    await session.run(trustedSql("rollback")).catch(() => undefined);
    throw error;
  }
  const { command } = await session.run(trustedSql("commit"));
  if (command !== "COMMIT")
    throw migrationError(
      `${file.name} was rolled back at COMMIT.`,
      "Look at deferred constraints.",
    );
}

/** Goes on after the statements that an earlier, interrupted run had finished. */
async function oneByOne(
  session: Dedicated,
  ledger: Ledger,
  file: Migration,
  runOne: RunOne,
): Promise<void> {
  const before = await ledger.find(file.version);
  const done = before?.done ?? 0;
  if (before !== undefined && before.doneChecksum !== prefixChecksum(file, done))
    throw migrationError(
      `${file.name} was interrupted after statement ${done}, and what was done has been changed since.`,
      "Restore those statements, or undo their effect and delete the record.",
    );
  for (const [index, statement] of file.statements.entries()) {
    if (index < done) continue;
    await dropInvalidLeftover(session, statement);
    await runOne(statement, index);
    await ledger.progress(file, index + 1, prefixChecksum(file, index + 1));
  }
}

const prefixChecksum = (file: Migration, count: number): string => {
  const hash = createHash("sha256");
  for (const { text } of file.statements.slice(0, count)) hash.update(`${text.length}:${text}`);
  return hash.digest("hex");
};

/**
 * An interrupted CREATE INDEX CONCURRENTLY leaves an unusable index of that name: without IF NOT
 * EXISTS the repeat would fail, with it the repeat would pass and leave no usable index.
 */
async function dropInvalidLeftover(session: Dedicated, statement: SplitStatement): Promise<void> {
  const index = concurrentIndex(statement.words);
  if (index === undefined) return;
  const [first, second] = index.on;
  const { rows } = await session.run<{ schema: string; index: string }>(sql`
    select n.nspname as schema, c.relname as index
    from pg_index i join pg_class c on c.oid = i.indexrelid
    join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace
    where c.relname = ${index.name} and not i.indisvalid
      and ((n.nspname = ${first} and t.relname = ${second})
        or (t.relname = ${first} and n.nspname = any(current_schemas(false))))
      and not exists (select from pg_stat_progress_create_index p where p.index_relid = c.oid)`);
  for (const { schema, index } of rows) {
    const quoted = ident(schema, index);
    await session.run(sql`drop index concurrently if exists ${quoted}`);
  }
}

/**
 * The name in CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] name ON, unquoted, and the two
 * words that follow: schema and table, or table and something else.
 */
export function concurrentIndex(
  words: readonly string[],
): { readonly name: string; readonly on: readonly [string, string] } | undefined {
  const [create, ...rest] = words;
  if (create !== "create") return undefined;
  if (rest[0] === "unique") rest.shift();
  if (rest[0] !== "index" || rest[1] !== "concurrently") return undefined;
  const at = rest[2] === "if" ? 5 : 2;
  const [name, on, ...table] = rest.slice(at);
  if (name === undefined || on !== "on") return undefined;
  if (table[0] === "only") table.shift();
  const [first = "", second = ""] = table.map(unquoted);
  return { name: unquoted(name), on: [first, second] };
}

const unquoted = (word: string): string =>
  word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word;

function failedAt(file: Migration, statement: SplitStatement, cause: unknown): PostgresError {
  if (isUnavailable(cause)) return cause as PostgresError;
  const because = cause instanceof PostgresError ? serverWords(cause) : "it could not be sent";
  const fate = file.transaction
    ? "It was rolled back as a whole."
    : "The statements before it are done and recorded.";
  return migrationError(
    `${file.name} line ${statement.line} failed: ${because}. ${fate}`,
    "Correct the file and run the migrations again.",
    cause,
  );
}

function serverWords(error: PostgresError): string {
  const words = error.cause instanceof Error ? error.cause.message : error.code;
  return error.sqlstate === undefined ? words : `${words} (${error.sqlstate})`;
}
