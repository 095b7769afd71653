import { sql, trustedSql } from "hasten/postgres";
import { z } from "zod";
import { tags, text, uuid } from "../schema/common.ts";
import type { FieldColumn, Filter } from "./resource.ts";

/** Columns every resource has. */
export const storedColumns = {
  id: { sql: sql`id`, type: "uuid" },
  version: { sql: sql`version`, type: "int" },
  created_at: { sql: sql`created_at`, type: "timestamptz" },
  updated_at: { sql: sql`updated_at`, type: "timestamptz" },
} satisfies Readonly<Record<string, FieldColumn>>;

/** Members of the document; names come from our own schemas, never from a request. */
export function documentColumns(names: readonly string[]): Record<string, FieldColumn> {
  return Object.fromEntries(
    names.map((name) => [name, { sql: trustedSql(`document -> '${name}'`), type: "json" }]),
  );
}

export const textColumns = (names: readonly string[]): Record<string, FieldColumn> =>
  Object.fromEntries(names.map((name) => [name, { sql: trustedSql(name), type: "text" }]));

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
    .transform((given) => [given].flat().flatMap((part) => part.split(",")))
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
