/** The codes of `hasten/http`. Append-only. */
import { HastenError } from "../core/errors.ts";
import { ProblemError } from "../core/problem.ts";

/** An option is out of its bounds: thrown where the option is given. */
export function optionInvalid(name: string, expected: string, got: unknown): HastenError {
  return new HastenError(
    "HST_HTTP_OPTION",
    `${name} must be ${expected}, got ${String(got)} (${typeof got}).`,
    "Use a value within these bounds, or leave it out for the default.",
  );
}

/** Checks a whole number and returns it, or `fallback` when it is not given. */
export function wholeNumber(
  name: string,
  value: number | undefined,
  bounds: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  if (value === undefined) return bounds.fallback;
  if (Number.isInteger(value) && value >= bounds.min && value <= bounds.max) return value;
  throw optionInvalid(name, `a whole number from ${bounds.min} to ${bounds.max}`, value);
}

/** A query parameter that cannot be used: 400. */
export function parameterInvalid(
  parameter: string,
  detail: string,
  extensions: Readonly<Record<string, unknown>> = {},
): ProblemError {
  return new ProblemError({
    type: "urn:hasten:problem:invalid-parameter",
    title: "Invalid parameter",
    status: 400,
    detail,
    parameter,
    ...extensions,
  });
}
