/**
 * `?fields=`: which members of a representation a client wants.
 *
 * Invariants: only names the route allows get through; order and repetition do not matter, so that
 * every spelling of one selection shares a cache key and a statement.
 */
import { parameterInvalid } from "./errors.ts";
import { type QueryValues, queryValues } from "./query-values.ts";

/** More names than this in one request: 400. */
export const FIELDS_COUNT_MAX = 64;
/** Longer text than this: 400. Characters. */
export const FIELDS_LENGTH_MAX = 2048;
/** Deeper dotted paths than this: 400. */
export const FIELDS_DEPTH_MAX = 8;

export interface FieldsOptions {
  /** Names a client may ask for. `a.*` allows every path below `a`. */
  readonly allowed: readonly string[];
  /** Names that are always part of the answer, such as the primary key. @default [] */
  readonly always?: readonly string[] | undefined;
  /** Query parameter. @default "fields" */
  readonly parameter?: string | undefined;
}

/**
 * The sorted, deduplicated selection, or undefined when the client did not ask: all fields.
 * @throws ProblemError 400 that names the unknown fields and the allowed ones.
 */
export function parseFields(
  query: QueryValues,
  options: FieldsOptions,
): readonly string[] | undefined {
  const { allowed, always = [], parameter = "fields" } = options;
  const texts = queryValues(query, parameter);
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (length > FIELDS_LENGTH_MAX) {
    throw parameterInvalid(
      parameter,
      `${parameter} is longer than ${FIELDS_LENGTH_MAX} characters.`,
    );
  }
  const asked = texts.flatMap((text) => text.split(",")).map((name) => name.trim());
  const names = new Set(asked.filter((name) => name !== ""));
  if (names.size === 0) return undefined;
  if (names.size > FIELDS_COUNT_MAX) {
    throw parameterInvalid(parameter, `${parameter} names more than ${FIELDS_COUNT_MAX} fields.`);
  }
  const unknown = [...names].filter((name) => !isAllowed(name, allowed));
  if (unknown.length > 0) {
    const shown = unknown.map((name) => JSON.stringify(name)).join(", ");
    throw parameterInvalid(parameter, `Unknown in ${parameter}: ${shown}.`, { unknown, allowed });
  }
  return [...new Set([...names, ...always])].sort();
}

function isAllowed(name: string, allowed: readonly string[]): boolean {
  if (allowed.includes(name) && !name.endsWith("*")) return true;
  const path = name.split(".");
  if (path.length > FIELDS_DEPTH_MAX || path.includes("") || path.includes("*")) return false;
  return allowed.some((entry) => entry.endsWith(".*") && name.startsWith(entry.slice(0, -1)));
}

/**
 * A copy of `value` with only the selected members: for what could not be pushed down to the
 * query. Arrays are pruned item by item. Members that are absent stay absent.
 */
export function pickFields(value: unknown, fields: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => pickFields(item, fields));
  if (typeof value !== "object" || value === null) return value;
  const picked: [string, unknown][] = [];
  for (const [name, below] of grouped(fields)) {
    if (!Object.hasOwn(value, name)) continue;
    const member: unknown = (value as Record<string, unknown>)[name];
    picked.push([name, below.length === 0 ? member : pickFields(member, below)]);
  }
  return Object.fromEntries(picked);
}

/** First path segments with what is selected below; nothing below means the whole member. */
function grouped(fields: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  const whole = new Set<string>();
  for (const field of fields) {
    const [name = "", ...rest] = field.split(".");
    if (rest.length === 0) whole.add(name);
    groups.set(name, [...(groups.get(name) ?? []), ...(rest.length === 0 ? [] : [rest.join(".")])]);
  }
  for (const name of whole) groups.set(name, []);
  return groups;
}
