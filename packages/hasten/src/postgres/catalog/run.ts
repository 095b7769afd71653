/** Runs one statement on a plain connection and gives its rows. */
export type Run = (
  text: string,
  values?: readonly unknown[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** Which tables' changes are learnt. */
export type Coverage =
  | { readonly kind: "publication"; readonly name: string }
  | { readonly kind: "triggers" }
  | { readonly kind: "any" };

/** The rows' column `row`, which queries of the catalog give as JSON text whatever parsers are set. */
export async function jsonRows<T>(
  run: Run,
  text: string,
  values: readonly unknown[],
): Promise<readonly T[]> {
  return (await run(text, values)).map((row) => JSON.parse(String(row["row"])) as T);
}
