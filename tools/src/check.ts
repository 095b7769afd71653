// Everything that can be checked without running the library: `npm run check [-- <step> ...]`.
import { builtPackages } from "./check/built-packages.ts";
import { docs } from "./check/docs.ts";
import { errorCodes } from "./check/error-codes.ts";
import { exportsMap } from "./check/exports-map.ts";
import { measured } from "./check/measured.ts";
import { planted } from "./check/planted.ts";
import { reach } from "./check/reach.ts";
import { root, run } from "./check/run.ts";
import { luaScripts } from "./lua.ts";

/** A step returns what is wrong, one line each; nothing wrong is an empty list. */
const STEPS: Readonly<Record<string, () => readonly string[]>> = {
  lint: () => run("biome", ["ci", "--colors=off", "."]),
  types: () => run("tsc", ["-p", "tsconfig.json"]),
  planted,
  exports: exportsMap,
  reach,
  errors: errorCodes,
  lua: () => luaScripts(root),
  packages: builtPackages,
  measured,
  docs,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in STEPS));
if (unknown.length > 0) {
  console.error(
    `No step is named ${unknown.join(", ")}. There are: ${Object.keys(STEPS).join(", ")}.`,
  );
  process.exit(2);
}

let failed = 0;
for (const [name, step] of Object.entries(STEPS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const startMs = performance.now();
  const wrong = step();
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${wrong.length === 0 ? "ok  " : "FAIL"} ${name.padEnd(9)} ${seconds.padStart(5)} s`);
  for (const line of wrong) console.log(`     ${line}`);
  if (wrong.length > 0) failed++;
}
process.exitCode = failed === 0 ? 0 : 1;
