import { existsSync, readFileSync } from "node:fs";
import { measuredPages } from "../bench/page.ts";
import { root } from "./run.ts";

/** The README and docs/measurements.md say what bench/results says, and nothing older. */
export function measured(): readonly string[] {
  return measuredPages()
    .filter(
      ({ path, text }) => !existsSync(root + path) || readFileSync(root + path, "utf8") !== text,
    )
    .map(({ path }) => `${path} differs from bench/results: run the benchmark again`);
}
