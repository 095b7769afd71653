import type { FieldError } from "./problem.ts";

/** Deepest nesting accepted in a body, so that no later step can run out of stack. */
export const JSON_DEPTH_MAX = 32;
const ERRORS_MAX = 20;

/** True for text that PostgreSQL can keep: no NUL, no lone surrogate. */
export const isStorableText = (text: string): boolean =>
  !text.includes("\u0000") && text.isWellFormed();

/**
 * What makes a parsed body unfit to be kept in `jsonb`, whatever its schema: nesting too deep,
 * numbers beyond double precision's range, text with NUL or a lone surrogate, a `__proto__` member.
 * Walks with its own stack, so the depth of the input does not matter.
 */
export function jsonErrors(body: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const stack: { value: unknown; field: string; depth: number }[] = [
    { value: body, field: "", depth: 0 },
  ];
  while (stack.length > 0 && errors.length < ERRORS_MAX) {
    const { value, field, depth } = stack.pop()!;
    const message = scalarError(value);
    if (message !== undefined) errors.push({ field, message });
    if (typeof value !== "object" || value === null) continue;
    if (depth >= JSON_DEPTH_MAX) {
      errors.push({ field, message: `must not nest deeper than ${JSON_DEPTH_MAX}` });
      continue;
    }
    for (const [key, member] of Object.entries(value)) {
      const at = `${field}/${escapePointer(key)}`;
      if (key === "__proto__" || !isStorableText(key)) {
        errors.push({ field: at, message: "is not an accepted member name" });
      } else {
        stack.push({ value: member, field: at, depth: depth + 1 });
      }
    }
  }
  return errors;
}

function scalarError(value: unknown): string | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) return "is out of range";
  if (typeof value === "string" && !isStorableText(value)) {
    return "must not contain NUL or a lone surrogate";
  }
  return undefined;
}

/** One reference token of a JSON pointer (RFC 6901 §3). */
export const escapePointer = (key: string): string =>
  key.toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1");

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * JSON merge patch (RFC 7396): members replace, `null` removes, objects merge, arrays are replaced
 * whole. Neither argument is changed. The patch must have passed `jsonErrors`.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}
