import { normalise } from "hasten/postgres";

/** Deeper than any plan that is read. */
const DEPTH_MAX = 4_000;

/** Fields whose text names an object or a kind of step, never a value. */
const NAMES: ReadonlySet<string> = new Set([
  "Node Type",
  "Parent Relationship",
  "Relation Name",
  "Schema",
  "Alias",
  "Index Name",
  "CTE Name",
  "Function Name",
  "Table Function Name",
  "Tuplestore Name",
  "Subplan Name",
  "Join Type",
  "Strategy",
  "Partial Mode",
  "Scan Direction",
  "Operation",
  "Command",
  "Sort Method",
  "Sort Methods Used",
  "Sort Space Type",
  "Cache Mode",
  "Conflict Resolution",
  "Conflict Arbiter Indexes",
  "Custom Plan Provider",
  "Storage",
  "Sampling Method",
  "Trigger Name",
  "Constraint Name",
  "Relation",
]);

/** What auto_explain adds: the statement as it was sent, and its parameters. */
const DROPPED: ReadonlySet<string> = new Set(["Query Text", "Query Parameters"]);

/**
 * A plan as `EXPLAIN (FORMAT JSON)` prints it, without the values that stand in its conditions,
 * outputs and sort keys: literals become `?`.
 */
export function withoutValues(json: unknown, depth = 0): unknown {
  if (depth > DEPTH_MAX) return undefined;
  if (typeof json === "string") return normalise(json);
  if (Array.isArray(json)) return json.map((item: unknown) => withoutValues(item, depth + 1));
  if (typeof json !== "object" || json === null) return json;
  const kept = Object.entries(json).filter(([field]) => !DROPPED.has(field));
  return Object.fromEntries(
    kept.map(([field, value]: [string, unknown]) => [
      field,
      NAMES.has(field)
        ? value
        : field === "Settings"
          ? withoutOwnSettings(value)
          : withoutValues(value, depth + 1),
    ]),
  );
}

/** PostgreSQL's settings are shown as they are; those of an application may hold anything. */
function withoutOwnSettings(settings: unknown): unknown {
  if (typeof settings !== "object" || settings === null) return undefined;
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]: [string, unknown]) => [
      name,
      name.includes(".") ? "?" : value,
    ]),
  );
}
