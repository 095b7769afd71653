import { type FindingsOptions, type FindingsWatch, watchFindings } from "../traces/index.ts";

/** The watch over the traces of the process; none where it is switched off. */
export function openFindings(
  options: false | FindingsOptions | undefined,
): FindingsWatch | undefined {
  return options === false ? undefined : watchFindings(options);
}
