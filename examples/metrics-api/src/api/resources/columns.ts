import { sql, trustedSql } from "hasten/postgres";
import { z } from "zod";
import { tags, text, uuid } from "../schema/common.ts";
import type { FieldColumn, Filter } from "./resource.ts";

/**
 * The id, the members of the document, then what the server keeps beside it. Members that are also
 * columns (`texts`) are read from these: lists can be sorted by them. Names are constants of ours.
 */
export function columnsOf(
  members: readonly string[],
  texts: readonly string[],
): Readonly<Record<string, FieldColumn>> {
  const columns: [string, FieldColumn][] = members.map((name) => [
    name,
    texts.includes(name)
      ? { sql: trustedSql(name), type: "text" }
      : { sql: trustedSql(`document -> '${name}'`), type: "json" },
  ]);
  return {
    id: { sql: sql`id`, type: "uuid" },
    ...Object.fromEntries(columns),
    version: { sql: sql`version`, type: "int" },
    created_at: { sql: sql`created_at`, type: "timestamptz" },
    updated_at: { sql: sql`updated_at`, type: "timestamptz" },
  };
}

/** The column equals the parameter. `column` is a constant of ours. */
export const equals = (column: string, schema: z.ZodType = text(200)): Filter => ({
  schema,
  description: `Only those whose ${column} is exactly this.`,
  where: (value: string) => sql`${trustedSql(column)} = ${value}`,
});

export const equalsUuid = (column: string): Filter => ({
  schema: uuid,
  description: `Only those whose ${column} is this.`,
  where: (value: string) => sql`${trustedSql(column)} = ${value}::uuid`,
});

/** Given as `a,b` or repeated: documents with any of the tags. */
export const anyTag: Filter = {
  schema: z
    .union([z.string(), z.array(z.string())])
    // A set, as its entry in the cache is: a tag named twice is named once.
    .transform((given) => [...new Set([given].flat().flatMap((part) => part.split(",")))])
    .pipe(tags.min(1)),
  description: "Only those with at least one of these tags, separated by commas.",
  where: (value: string[]) => sql`tags && ${value}::text[]`,
};

/** `active` and `not active` each have their partial index, so the condition names no parameter. */
export const isActive: Filter = {
  schema: z.enum(["true", "false"]),
  description: "Only active, or only inactive ones.",
  where: (value: "true" | "false") => (value === "true" ? sql`active` : sql`not active`),
};
