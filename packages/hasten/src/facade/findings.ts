import type { FindingsOptions, FindingsWatch } from "../traces/index.ts";

/** The watch over the traces of the process; none where it is switched off. */
export async function openFindings(
  options: false | FindingsOptions | undefined,
): Promise<FindingsWatch | undefined> {
  if (options === false) return undefined;
  const { watchFindings } = await import("../traces/index.ts");
  return watchFindings(options);
}
