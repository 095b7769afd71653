import { HastenError } from "hasten/postgres";

/**
 * Every code of hasten-doctor. Append-only: a retired code stays reserved.
 * No message ever holds a value of data or statistics, a password or a URL.
 */
export const DOCTOR_CODES = [
  /** An option or an argument is missing, unknown or out of its bounds. */
  "HST_DOCTOR_OPTION",
  /** The server cannot be reached, refuses the role, or is older than 14. */
  "HST_DOCTOR_TARGET",
  /** The server refused, or a time-out ended, a statement of the doctor. */
  "HST_DOCTOR_STATEMENT",
  /** A file (saved snapshot, queries, plan) cannot be read or is not what it should be. */
  "HST_DOCTOR_FILE",
  /** The what-if model could not be made or failed. */
  "HST_DOCTOR_MODEL",
  /** A statement that EXPLAIN ANALYZE must not run. */
  "HST_DOCTOR_GUARD",
] as const;

export type DoctorCode = (typeof DOCTOR_CODES)[number];

/** An error of the doctor: `code` is one of {@link DOCTOR_CODES}, `fix` says what to do. */
export class DoctorError extends HastenError {
  declare readonly code: DoctorCode;
  /** The five-character SQLSTATE when a server answered with one. */
  readonly sqlstate: string | undefined;

  constructor(
    code: DoctorCode,
    text: { readonly message: string; readonly fix: string },
    facts: { readonly sqlstate?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(code, text.message, text.fix, facts.cause === undefined ? {} : { cause: facts.cause });
    this.name = "DoctorError";
    this.sqlstate = facts.sqlstate;
  }
}
