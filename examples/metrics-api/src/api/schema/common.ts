import { z } from "zod";

/** Every schema an endpoint takes or gives, by name: the components of the OpenAPI document. */
export const components = z.registry<{ id: string; description?: string }>();

/** Text that is kept: trimmed at both ends by the caller, never empty. */
export const text = (lengthMax: number): z.ZodString => z.string().min(1).max(lengthMax);

export const uuid = z.uuid();

const tag = text(50).regex(/^[^,]+$/, "must not contain a comma");

export const tags = z
  .array(tag)
  .max(50)
  .refine((given) => new Set(given).size === given.length, "must not repeat a tag")
  .meta({ uniqueItems: true });

/** Free-form members. Depth and strings are checked for the whole body before any schema. */
export const attributes = z.record(text(100), z.unknown());

/** What the server adds to every document it returns. */
export const stored = {
  id: uuid,
  version: z.int().positive().describe("Grows by one with each write. The ETag is made from it."),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
};

export const offsetPagination = z.object({
  page: z.int(),
  limit: z.int(),
  total: z.int().describe("Exact up to the counting cap; see X-Total-Count-Type."),
  pages: z.int(),
  hasNext: z.boolean(),
  hasPrev: z.boolean(),
});

export const cursorPagination = z.object({
  limit: z.int(),
  hasNext: z.boolean(),
  hasPrev: z.boolean(),
  next: z.string().nullable().describe("Cursor of the next page."),
  prev: z.string().nullable().describe("Cursor of the page before."),
});

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    errors: z
      .array(
        z.object({
          field: z.string().describe("JSON pointer in the body, or the parameter's name."),
          message: z.string(),
        }),
      )
      .optional(),
  })
  .describe("Problem details (RFC 9457).");
components.add(problem, { id: "Problem" });
