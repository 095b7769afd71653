import type { z } from "zod";
import { escapePointer, isStorableText, jsonErrors } from "./json.ts";
import { type FieldError, invalidBody, invalidParameters } from "./problem.ts";

/** The body as its schema gives it, or a problem that names each member at fault. */
export function validBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const unfit = jsonErrors(body);
  if (unfit.length > 0) throw invalidBody(unfit);
  const result = schema.safeParse(body);
  if (!result.success) throw invalidBody(fieldErrors(result.error, pointer));
  return result.data;
}

/** The query as its schema gives it. Parameters given twice arrive as arrays and are refused by
 * schemas that want one value. */
export function validQuery<S extends z.ZodType>(schema: S, query: unknown): z.output<S> {
  const given = { ...(query as Record<string, string | string[]>) };
  const unfit = Object.keys(given).filter((name) => ![given[name]].flat().every(isStorable));
  if (unfit.length > 0) {
    const message = "must not contain NUL or a lone surrogate";
    throw invalidParameters(unfit.map((field) => ({ field: field.toWellFormed(), message })));
  }
  const result = schema.safeParse(given);
  if (!result.success) throw invalidParameters(fieldErrors(result.error, parameter));
  return result.data;
}

const isStorable = (value: unknown): boolean => typeof value === "string" && isStorableText(value);

type Naming = (path: readonly PropertyKey[]) => string;

const pointer: Naming = (path) => path.map((key) => `/${escapePointer(String(key))}`).join("");
const parameter: Naming = (path) => String(path[0] ?? "");

function fieldErrors(error: z.ZodError, name: Naming): FieldError[] {
  return error.issues.flatMap((issue): FieldError[] => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        field: name([...issue.path, key]),
        message: "is unknown",
      }));
    }
    return [{ field: name(issue.path), message: issue.message }];
  });
}
