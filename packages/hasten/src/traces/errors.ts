import { HastenError } from "../core/errors.ts";
import { type OptionNames, unknownOption } from "../core/known-options.ts";

/** Codes of hasten/traces. Append-only. */
export const TRACE_CODES = ["HST_TRACE_OPTION", "HST_TRACE_BASELINE", "HST_TRACE_BATCH"] as const;

export type TraceCode = (typeof TRACE_CODES)[number];

export function traceError(code: TraceCode, message: string, fix: string): HastenError {
  return new HastenError(code, message, fix);
}

export const optionInvalid = (name: string, bounds: string): HastenError =>
  traceError(
    "HST_TRACE_OPTION",
    `${name} must be ${bounds}.`,
    "Pass a value within its bounds or leave it out.",
  );

/** @throws HST_TRACE_OPTION for a name that is not among `names` */
export function refuseUnknown<Options extends object>(
  owner: string,
  options: Options,
  names: OptionNames<Options>,
): void {
  const unknown = unknownOption(options, names);
  if (unknown === undefined) return;
  const fix = `It has ${Object.keys(names).join(", ")}.`;
  throw traceError("HST_TRACE_OPTION", `${owner} has no option ${unknown}.`, fix);
}
