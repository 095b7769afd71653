import type { Sql } from "hasten/postgres";
import type { z } from "zod";
import type { Role } from "../auth/tokens.ts";

/** A query parameter that narrows a list, and the condition it becomes. */
export interface Filter {
  /** Receives the parameter's text (or texts, where it may be repeated). */
  readonly schema: z.ZodType;
  readonly description: string;
  where(value: never): Sql;
}

/** How a field of a document is read and what order it gives. */
export interface FieldColumn {
  readonly sql: Sql;
  readonly type: "text" | "uuid" | "json" | "int" | "timestamptz";
}

/** Everything that differs between the resources. The rest is written once. */
export interface Resource {
  readonly name: "metrics" | "domains" | "objectives" | "users";
  readonly singular: "metric" | "domain" | "objective" | "user";
  /** What a client writes; strict, with every default filled in. */
  readonly input: z.ZodObject;
  /** What a client reads. */
  readonly output: z.ZodObject;
  readonly columns: Readonly<Record<string, FieldColumn>>;
  readonly filters: Readonly<Record<string, Filter>>;
  /** Fields a list can be ordered by; each has an index that ends in the id. */
  readonly sorts: readonly string[];
  /** True where `q` searches. */
  readonly searchable: boolean;
  readonly readRole: Role;
  readonly writeRole: Role;
}
