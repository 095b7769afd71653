/**
 * Whether a statement could only be asked after the one before it: its parameters are what that one
 * brought. Looked at when it is asked, so that no answer is kept for longer.
 */

/** What is compared of an answer: a row as an object or, for some libraries, as a list. */
export type Row = object;

/**
 * Whether each parameter that differs from those `before` is a value of the one row that those brought:
 * the next of a chain. What stays the same, such as a tenant, says nothing.
 */
export function followsFrom(
  row: Row,
  before: readonly unknown[] | undefined,
  values: readonly unknown[] | undefined,
): boolean {
  if (before === undefined || before.length !== values?.length) return false;
  const held = new Set(Object.values(row).map(keyOf));
  let differs = false;
  for (const [at, value] of values.entries()) {
    const key = keyOf(value);
    if (key === keyOf(before[at])) continue;
    if (key === "" || !held.has(key)) return false;
    differs = true;
  }
  return differs;
}

/** A number and its text are one; "" for what is no key of anything. */
function keyOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
      return String(value);
    default:
      return "";
  }
}
