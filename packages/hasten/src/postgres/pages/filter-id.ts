import type { Sql } from "../sql.ts";
import { shortHash } from "./page-spec.ts";

const NO_FILTER: string = shortHash("none");

/** What tells one filter from another, as a cursor carries it. */
export function filterIdOf(request: {
  readonly filter?: Sql | undefined;
  readonly filterId?: string | undefined;
}): string {
  if (request.filterId !== undefined) return shortHash(`id\n${request.filterId}`);
  const { filter } = request;
  if (filter === undefined || filter.text.trim() === "") return NO_FILTER;
  return shortHash(`sql\n${filter.text}\n${JSON.stringify(filter.values.map(tagged))}`);
}

/** JSON alone would make a bigint throw, and NaN, Infinity and null the same. */
function tagged(value: unknown): unknown {
  if (typeof value === "bigint") return { bigint: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { number: String(value) };
  if (value instanceof Date) return { date: value.getTime() };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
  return Array.isArray(value) ? value.map(tagged) : value;
}
