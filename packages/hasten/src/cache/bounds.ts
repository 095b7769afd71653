import { optionInvalid } from "./errors.ts";

/** The longest that a timer of Node takes. */
export const TIMER_MAX_MS: number = 2 ** 31 - 1;

/** Checks a number against its bounds. */
export function number(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw optionInvalid(name, `a number from ${min} to ${max}`, value);
}

/** A time-out that may be absent. */
export function duration(name: string, value: number | undefined): number | undefined {
  return value === undefined ? undefined : number(name, value, 0, TIMER_MAX_MS);
}
