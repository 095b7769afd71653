import { HastenError } from "../../core/errors.ts";

export const entriesMaxInvalid = (got: unknown): HastenError =>
  new HastenError(
    "HST_MEMORY_ENTRIES_MAX",
    `entriesMax must be a whole number from 1 to 8,000,000, got ${String(got)} (${typeof got}).`,
    "Pass how many entries the process may hold, for example entriesMax: 10_000.",
  );

export const bytesMaxInvalid = (got: unknown): HastenError =>
  new HastenError(
    "HST_MEMORY_BYTES_MAX",
    `bytesMax must be a whole number of at least 1, got ${String(got)} (${typeof got}).`,
    "Pass bytes, for example bytesMax: 64 * 1024 * 1024.",
  );
