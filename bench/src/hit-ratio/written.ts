import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PAGE = fileURLToPath(new URL("../../../docs/eviction.md", import.meta.url));
const START = "<!-- measured: npm run bench:hit-ratio -->";
const END = "<!-- /measured -->";

/** Replaces what docs/eviction.md says was measured, so that the page and the run agree. */
export function writeMeasured(tables: string): void {
  const page = readFileSync(PAGE, "utf8");
  const [before, rest] = page.split(START);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`docs/eviction.md needs a line "${START}" and a line "${END}".`);
  writeFileSync(PAGE, `${before}${START}\n\n${tables}\n\n${END}${after}`);
}
