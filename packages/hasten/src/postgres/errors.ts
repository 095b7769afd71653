import { HastenError } from "../core/errors.ts";
import { type OptionNames, unknownOption } from "../core/known-options.ts";

/**
 * Every code of `hasten/postgres`. Append-only: a retired code stays reserved.
 * No message ever holds a value, a password or a URL.
 */
export const POSTGRES_CODES = [
  "HST_PG_IDENTIFIER",
  "HST_PG_SQL",
  "HST_PG_VALUE",
  "HST_PG_OPTION",
  "HST_PG_DRIVER",
  "HST_PG_UNAVAILABLE",
  "HST_PG_ACQUIRE_TIMEOUT",
  "HST_PG_POOL_FULL",
  "HST_PG_OUTCOME_UNKNOWN",
  "HST_PG_TIMEOUT",
  "HST_PG_ABORTED",
  "HST_PG_CLOSED",
  "HST_PG_STATEMENT",
  "HST_PG_MULTIPLE_STATEMENTS",
  "HST_PG_ROWS",
  "HST_PG_ROLLED_BACK",
  "HST_PG_TX",
  "HST_PG_INDEX",
  "HST_PG_MIGRATION",
  "HST_PG_STREAM",
  "HST_PG_SNAPSHOT",
  "HST_PG_POOLER",
  "HST_PG_BULK",
] as const;

export type PostgresCode = (typeof POSTGRES_CODES)[number];

/** An error of `hasten/postgres`: `code` is one of {@link POSTGRES_CODES}. */
export class PostgresError extends HastenError {
  declare readonly code: PostgresCode;
  /** The five-character SQLSTATE when the server answered with one. */
  readonly sqlstate: string | undefined;
  /** The constraint, table and column the server named, where it did. */
  readonly constraint: string | undefined;
  readonly table: string | undefined;
  readonly column: string | undefined;

  constructor(code: PostgresCode, text: ErrorText, facts: ErrorFacts = {}) {
    super(
      code,
      text.message,
      text.fix,
      facts.cause === undefined ? undefined : { cause: facts.cause },
    );
    this.name = "PostgresError";
    this.sqlstate = facts.sqlstate;
    this.constraint = facts.constraint;
    this.table = facts.table;
    this.column = facts.column;
  }
}

export interface ErrorText {
  readonly message: string;
  readonly fix: string;
}

export interface ErrorFacts {
  readonly sqlstate?: string | undefined;
  readonly constraint?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly cause?: unknown;
}

export const identifierInvalid = (name: unknown, because: string): PostgresError =>
  new PostgresError("HST_PG_IDENTIFIER", {
    message: `An identifier ${because}, got ${describe(name)}.`,
    fix: "Pass the plain name, without quotes; one argument for each part of a qualified name.",
  });

export const sqlInvalid = (message: string, fix: string): PostgresError =>
  new PostgresError("HST_PG_SQL", { message, fix });

export const valueInvalid = (position: number, got: string): PostgresError =>
  new PostgresError("HST_PG_VALUE", {
    message: `Value ${position} of the statement is ${got}.`,
    fix: "Pass null, a string, number, bigint, boolean, Date, Buffer, array or plain object.",
  });

export const optionInvalid = (option: string, allowed: string, got: unknown): PostgresError =>
  new PostgresError("HST_PG_OPTION", {
    message: `${option} must be ${allowed}, got ${describe(got)}.`,
    fix: `Pass ${option} within its bounds or leave it out.`,
  });

/** What was given is nothing that this function can work with. */
export function targetInvalid(given: string, wanted: string, target: unknown): PostgresError {
  const isObject = typeof target === "object" && target !== null;
  const name = isObject ? target.constructor?.name : undefined;
  return new PostgresError("HST_PG_OPTION", {
    message: `${given} takes ${wanted}, got ${name === undefined ? describe(target) : `an object (${name})`}.`,
    fix: "Pass one of these.",
  });
}

/** @throws HST_PG_OPTION for a name that is not among `names` */
export function refuseUnknown<Options extends object>(
  owner: string,
  options: Options,
  names: OptionNames<Options>,
): void {
  const unknown = unknownOption(options, names);
  if (unknown === undefined) return;
  throw new PostgresError("HST_PG_OPTION", {
    message: `${owner} has no option ${unknown}.`,
    fix: `It has ${Object.keys(names).join(", ")}.`,
  });
}

/** Type and, for harmless types, the value: never an object's or a long string's content. */
function describe(got: unknown): string {
  if (typeof got === "number" || typeof got === "boolean" || typeof got === "bigint")
    return `${got} (${typeof got})`;
  if (typeof got === "string") return `a string of ${got.length} characters`;
  return got === null ? "null" : typeof got;
}
