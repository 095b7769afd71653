/** A parsed query: a framework's `req.query`, or URLSearchParams. */
export type QueryValues = URLSearchParams | Readonly<Record<string, unknown>>;

/** Every text given for a parameter. Nested objects, as some parsers make, count as absent. */
export function queryValues(query: QueryValues, name: string): readonly string[] {
  if (query instanceof URLSearchParams) return query.getAll(name);
  const value = Object.hasOwn(query, name) ? query[name] : undefined;
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one) => typeof one === "string");
}
