import { optionInvalid } from "../errors.ts";

/** A whole number from 1 to `max`. */
export function jobNumber(name: string, value: unknown, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max)
    return value;
  throw optionInvalid(name, `a whole number from 1 to ${max}`, value);
}
