import type { RawPlan } from "../model/types.ts";

/** Characters of an expression that are kept when its constants are taken out. */
const SHOWN_MAX = 300;

/**
 * Strings (with E, B and X forms), quoted names and casts of names (both kept), numbers. A number
 * within a name, a parameter (`$1`) or "InitPlan 1" is no constant.
 */
const TOKENS =
  /[EBX]?'(?:[^'\\]|''|\\.)*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\b(?:Init|Sub)Plan \d+|\$\d+|[\p{L}_][\p{L}\p{N}_$]*|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/giu;

/**
 * An expression as EXPLAIN prints it, with `?` for every constant; at most 300 characters.
 * Names of columns, functions and types stay.
 */
export function withoutConstants(expression: string): string {
  const replaced = stripConstants(expression.slice(0, 20 * SHOWN_MAX));
  return replaced.length > SHOWN_MAX ? `${replaced.slice(0, SHOWN_MAX - 1)}…` : replaced;
}

/** The same without a bound: for reading on, not for showing. */
export function stripConstants(expression: string): string {
  return expression.replace(TOKENS, (token) => {
    if (token.startsWith('"') || token.startsWith("$") || /^(Init|Sub)Plan /.test(token))
      return token;
    if (/^[EBX]?'/i.test(token) || /^-?\d/.test(token)) return "?";
    return token;
  });
}

/** Fields whose text names things or says how; every other text of a plan may hold constants. */
const PLAIN_FIELDS: ReadonlySet<string> = new Set([
  "Node Type",
  "Parent Relationship",
  "Subplan Name",
  "Relation Name",
  "Schema",
  "Alias",
  "Index Name",
  "CTE Name",
  "Function Name",
  "Tuplestore Name",
  "Join Type",
  "Strategy",
  "Partial Mode",
  "Scan Direction",
  "Sort Method",
  "Sort Space Type",
  "Sort Methods Used",
  "Command",
  "Operation",
  "Custom Plan Provider",
  "Storage",
  "Cache Mode",
  "Conflict Resolution",
  "Conflict Arbiter Indexes",
  "Sampling Method",
  "Constraint Name",
  "Trigger Name",
  "Relation",
]);

/**
 * A node of a plan, with all below it, without constants: for a report that is kept or passed on.
 * @param raw as `readPlan` keeps it, so of bounded depth
 */
export function redacted(raw: RawPlan): RawPlan {
  const plans = raw.Plans;
  const fields = Object.entries(raw).map(([field, value]) => [field, redactedValue(field, value)]);
  return {
    ...Object.fromEntries(fields),
    "Node Type": raw["Node Type"],
    ...(plans === undefined ? {} : { Plans: plans.map(redacted) }),
  };
}

function redactedValue(field: string, value: unknown): unknown {
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "string") return PLAIN_FIELDS.has(field) ? value : stripConstants(value);
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redactedValue(field, item));
  return typeof value === "object" ? redactedGroups(value, 0) : undefined;
}

/** "Full-sort Groups" and its like: objects of numbers and words, two levels at most. */
function redactedGroups(value: object, depth: number): unknown {
  if (depth > 2) return undefined;
  return Object.fromEntries(
    Object.entries(value).map(([field, item]) => [
      field,
      typeof item === "object" && item !== null && !Array.isArray(item)
        ? redactedGroups(item, depth + 1)
        : redactedValue(field, item),
    ]),
  );
}
