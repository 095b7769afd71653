/** A page size as a request gives it: a number, or text from a query string. */
export type LimitInput = number | string | undefined;

/**
 * Clamps a requested page size into 1..max. Absent, empty and not a number give the default;
 * fractions are cut.
 */
export function clampLimit(
  given: LimitInput,
  limit: { readonly default: number; readonly max: number },
): number {
  const asked = numberOf(given);
  if (Number.isNaN(asked)) return limit.default;
  return Math.min(Math.max(Math.trunc(asked), 1), limit.max);
}

/** NaN for whatever is not a number. */
export function numberOf(given: unknown): number {
  if (typeof given === "number") return given;
  return typeof given === "string" && given.trim() !== "" ? Number(given) : Number.NaN;
}
