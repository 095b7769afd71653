import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { PostgresError } from "../errors.ts";
import { type SplitStatement, splitStatements } from "./split.ts";

/** A numbered SQL file, read and checked. */
export interface Migration {
  readonly version: number;
  /** The file's name. */
  readonly name: string;
  /** SHA-256 of its text, line ends as line feeds. */
  readonly checksum: string;
  /** False when marked `-- hasten: no-transaction`. */
  readonly transaction: boolean;
  readonly statements: readonly SplitStatement[];
}

/** Most files in a directory, and largest file. */
export const FILES_MAX = 10_000;
export const FILE_BYTES_MAX: number = 16 * 1024 * 1024;

const NAME = /^(\d{1,9})[-_].+\.sql$/;
const MARK = /^\s*--\s*hasten:\s*no-transaction\s*$/m;
const MARK_LIKE = /^\s*--\s*hasten:(.*)$/m;

export const migrationError = (message: string, fix: string, cause?: unknown): PostgresError =>
  new PostgresError(
    "HST_PG_MIGRATION",
    { message, fix },
    cause instanceof PostgresError
      ? { cause, sqlstate: cause.sqlstate, constraint: cause.constraint, table: cause.table }
      : { cause },
  );

/** Reads a directory of migrations. @throws HST_PG_MIGRATION for gaps, duplicates and what a file may not hold */
export async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const entries = await readdir(directory).catch((cause: unknown) => {
    throw migrationError("The directory of migrations cannot be read.", "Check the path.", cause);
  });
  const names = entries.filter((name) => name.endsWith(".sql"));
  if (names.length > FILES_MAX)
    throw migrationError(`There are more than ${FILES_MAX} files.`, "Squash old ones.");
  const found = await Promise.all(names.map((name) => readOne(directory, name)));
  found.sort((a, b) => a.version - b.version);
  found.forEach((migration, index) => {
    checkNumber(migration, index, found);
  });
  return found;
}

function checkNumber(one: Migration, index: number, all: readonly Migration[]): void {
  const before = all[index - 1];
  if (before?.version === one.version)
    throw migrationError(
      `${before.name} and ${one.name} have the same number.`,
      "Give the later one the next number.",
    );
  if (one.version !== index + 1)
    throw migrationError(
      `Number ${index + 1} is missing: ${one.name} comes ${before === undefined ? "first" : `after ${before.name}`}.`,
      "Number the files 1, 2, 3… without a gap.",
    );
}

async function readOne(directory: string, name: string): Promise<Migration> {
  const match = NAME.exec(name);
  if (match === null)
    throw migrationError(`${name} has no number.`, "Name files like 0001-create-orders.sql.");
  const path = join(directory, name);
  if ((await stat(path)).size > FILE_BYTES_MAX)
    throw migrationError(`${name} is larger than ${FILE_BYTES_MAX} bytes.`, "Load data elsewhere.");
  const source = decode(await readFile(path), name).replaceAll("\r\n", "\n");
  return parseMigration(Number(match[1]), name, source);
}

/** Other encodings would arrive in the database as replacement characters, for good. */
function decode(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw migrationError(`${name} is not UTF-8.`, "Save it as UTF-8.", cause);
  }
}

/** Splits and checks one file's text. */
export function parseMigration(version: number, name: string, source: string): Migration {
  const mark = MARK_LIKE.exec(source);
  const transaction = !MARK.test(source);
  if (mark !== null && transaction)
    throw migrationError(
      `${name} has an unknown mark: hasten:${mark[1]}.`,
      "The only mark is -- hasten: no-transaction.",
    );
  const split = splitStatements(source);
  if (split.kind === "unclosed")
    throw migrationError(
      `${name} line ${split.line}: a quote or comment is not closed.`,
      "Close it.",
    );
  if (split.statements.length === 0)
    throw migrationError(`${name} holds no statement.`, "Write one, for example select 1.");
  for (const statement of split.statements) checkStatement(statement, name, transaction);
  const checksum = createHash("sha256").update(source).digest("hex");
  return { version, name, checksum, transaction, statements: split.statements };
}

const CONTROL: ReadonlySet<string> = new Set([
  "begin",
  "start",
  "commit",
  "end",
  "rollback",
  "abort",
  "savepoint",
  "release",
]);
/** Statements that PostgreSQL refuses inside a transaction, by their first words. */
const OUTSIDE = [/^vacuum\b/, /^(create|drop) (database|tablespace)\b/, /^alter system\b/];

function checkStatement(one: SplitStatement, name: string, transaction: boolean): void {
  const at = `${name} line ${one.line}`;
  const [first = "", second = ""] = one.words;
  if (CONTROL.has(first) || (first === "prepare" && second === "transaction"))
    throw migrationError(
      `${at}: ${first.toUpperCase()} is the runner's own business.`,
      "Leave transactions to the runner.",
    );
  const beginning = one.words.slice(0, 6);
  const concurrent = isIndexCommand(beginning) && beginning.includes("concurrently");
  const outside = concurrent || OUTSIDE.some((rule) => rule.test(one.words.join(" ")));
  if (outside && transaction)
    throw migrationError(
      `${at}: this statement cannot run in a transaction.`,
      "Put it into a file of its own, marked -- hasten: no-transaction.",
    );
}

const isIndexCommand = (words: readonly string[]): boolean =>
  words[0] === "reindex" ||
  ((words[0] === "create" || words[0] === "drop") && words.slice(1, 3).includes("index")) ||
  words.includes("detach") ||
  (words[0] === "refresh" && words[1] === "materialized");
