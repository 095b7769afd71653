import type { ResolvedColumn } from "./columns.ts";
import { pageProblem } from "./errors.ts";
import type { PageSpec } from "./page-spec.ts";

/** The columns one request gets. */
export interface FieldSelection {
  /** Names sorted and without repeats: the same for every spelling of the same wish. */
  readonly id: string;
  readonly columns: readonly ResolvedColumn[];
}

/**
 * Turns the `fields` of a request into columns. A name that is the beginning of dotted names stands
 * for all of them; the key is always in. Undefined or empty means every field.
 * @throws ProblemError 400 `unknown-field` or `too-many-fields`
 */
export function selectFields(
  spec: PageSpec<unknown>,
  fields: readonly string[] | undefined,
): FieldSelection {
  const all = spec.fieldNames;
  const wanted =
    fields === undefined || fields.length === 0 ? all : [...named(spec, fields), ...spec.key];
  const names = withoutChildren(new Set(wanted));
  return {
    id: [...names].sort().join(","),
    columns: all.filter((name) => names.has(name)).map((name) => spec.columns.get(name)!),
  };
}

function named(spec: PageSpec<unknown>, fields: readonly string[]): readonly string[] {
  if (fields.length > spec.fieldsMax)
    throw pageProblem(
      "too-many-fields",
      `At most ${spec.fieldsMax} fields can be named, got ${fields.length}.`,
    );
  return fields.flatMap((field) => {
    const found = spec.fieldNames.filter((name) => name === field || name.startsWith(`${field}.`));
    if (found.length > 0) return found;
    throw pageProblem("unknown-field", `Choose fields from ${spec.fieldNames.join(", ")}.`, {
      allowed: spec.fieldNames,
    });
  });
}

/** A selected document already holds what its dotted names would add. */
function withoutChildren(names: ReadonlySet<string>): ReadonlySet<string> {
  const covered = (name: string): boolean => {
    for (let dot = name.indexOf("."); dot > 0; dot = name.indexOf(".", dot + 1))
      if (names.has(name.slice(0, dot))) return true;
    return false;
  };
  return new Set([...names].filter((name) => !covered(name)));
}
