import { z } from "zod";
import type { Resource } from "./resource.ts";

/**
 * `fields=a,b`: the names in one order and without repeats, the id always among them, so that every
 * spelling of one wish is one statement. Unknown names are refused.
 */
export const fieldsParameter = (resource: Resource) =>
  z
    .string()
    .max(1_000)
    .transform((given) => given.split(",").map((name) => name.trim()))
    .pipe(z.array(z.enum(Object.keys(resource.columns))))
    .transform((names) => [...new Set(["id", ...names])].sort())
    .optional()
    .describe("Names of the fields to return, separated by commas. The id always comes along.");
