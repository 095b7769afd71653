import { quoteIdentifier } from "hasten/postgres";
import { DoctorError } from "../errors.ts";

/** Quoted text and casts are passed over; what is left of colons are `:"name"` and `:name`. */
const PARTS = /'(?:[^']|'')*'|::|:"([A-Za-z]\w*)"|:([A-Za-z]\w*)/g;

/** Values for `:name` and schemas for `:"name"`. */
export interface TemplateValues {
  readonly numbers: Readonly<Record<string, number>>;
  readonly identifiers: ReadonlyMap<string, string>;
}

/**
 * A statement in psql's notation, ready to send: numbers become parameters, identifiers are quoted.
 * @throws HST_DOCTOR_OPTION for a name without a value
 */
export function bind(
  template: string,
  given: TemplateValues,
): { readonly text: string; readonly values: readonly number[] } {
  const positions = new Map<string, number>();
  const values: number[] = [];
  const text = template.replace(PARTS, (part, identifier?: string, name?: string) => {
    if (identifier !== undefined) return quoteIdentifier(required(given.identifiers, identifier));
    if (name === undefined) return part;
    let position = positions.get(name);
    if (position === undefined) {
      position = values.push(required(new Map(Object.entries(given.numbers)), name));
      positions.set(name, position);
    }
    return `$${position}::float8`;
  });
  return { text, values };
}

function required<Value>(map: ReadonlyMap<string, Value>, name: string): Value {
  const value = map.get(name);
  if (value === undefined)
    throw new DoctorError("HST_DOCTOR_OPTION", {
      message: `The SQL of a health check asks for ${name}, which has no value.`,
      fix: "Name it among the thresholds or extensions.",
    });
  return value;
}
