import { type Sql, sql } from "hasten/postgres";
import { z } from "zod";
import { text } from "../schema/common.ts";
import { fieldsParameter } from "./fields.ts";
import type { Resource } from "./resource.ts";

/** What may be asked of a list: its filters, order, page and fields. Anything else is refused. */
export function listQuery(resource: Resource) {
  const filters = Object.fromEntries(
    Object.entries(resource.filters).map(([name, filter]) => [
      name,
      filter.schema.optional().describe(filter.description),
    ]),
  );
  return z.strictObject({
    ...filters,
    ...(resource.searchable && { q: searchParameter }),
    sortField: z.enum(resource.sorts).optional().describe('Default "updated_at".'),
    sortOrder: z
      .enum(["asc", "desc"])
      .optional()
      .describe('Default "desc" for times, "asc" for texts.'),
    page: clamped("Page number from 1; out of range is clamped."),
    limit: clamped("Rows on a page: 1 to 100, clamped. Default 50 by page, 20 by cursor."),
    cursor: z
      .string()
      .max(4_096)
      .optional()
      .describe("Cursor of the page wanted; empty for the first page of a walk by cursor."),
    all: z.enum(["true"]).optional().describe("Without pages: at most 1,000 rows."),
    fields: fieldsParameter(resource),
  });
}

const searchParameter = text(200)
  .optional()
  .describe("Words in name and description, as typed into a search engine. Best 50, best first.");

/** Any text: the paging helpers clamp what they read and default what they cannot. */
const clamped = (description: string) =>
  z.string().optional().meta({ description, type: "integer", minimum: 1 });

export type ListQuery = z.output<ReturnType<typeof listQuery>>;

/** The sort's name in the page definition: `-` reads it from its end. */
export function sortOf(query: ListQuery): string {
  const field = query.sortField ?? "updated_at";
  const order = query.sortOrder ?? (field.endsWith("_at") ? "desc" : "asc");
  return order === "desc" ? `-${field}` : field;
}

/** The condition of every filter given; undefined when there is none. */
export function filterOf(resource: Resource, query: ListQuery): Sql | undefined {
  const given = query as Readonly<Record<string, unknown>>;
  const conditions = Object.entries(resource.filters)
    .filter(([name]) => given[name] !== undefined)
    .map(([name, filter]) => filter.where(given[name] as never));
  return conditions.length === 0 ? undefined : sql.join(conditions, sql` and `);
}

/** Parameters that cannot be combined with one that decides the order or the place itself. */
export const EXCLUSIVE: readonly { readonly name: string; readonly excludes: readonly string[] }[] =
  [
    { name: "q", excludes: ["sortField", "sortOrder", "cursor", "all"] },
    { name: "cursor", excludes: ["page", "all"] },
    { name: "all", excludes: ["page", "limit"] },
  ];
