// Runs one bench by name, or all of them in turn: `npm run bench:<name> -- --strict`.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const benches = readdirSync(`${root}bench/src`).filter((name) =>
  existsSync(`${root}bench/src/${name}/main.ts`),
);
const [first, ...rest] = process.argv.slice(2);
const named = first !== undefined && !first.startsWith("-");
const options = named ? rest : process.argv.slice(2);

if (options.includes("--help")) {
  console.log(`npm run bench:<name> -- [--quick] [--strict]

  <name>     ${benches.join(", ")}; npm run bench runs all of them
  --quick    a smoke run of seconds: prints, writes nothing
  --strict   exit 1 when a goal is missed

Results are printed and written to bench/results/<name>.json.`);
  process.exit(0);
}
if (named && !benches.includes(first)) {
  console.error(`No bench is named "${first}". There are: ${benches.join(", ")}.`);
  process.exit(2);
}

let failed = 0;
for (const name of named ? [first] : benches) {
  const script = `${root}bench/src/${name}/main.ts`;
  const node = ["--conditions=hasten-source", "--expose-gc", script, ...options];
  const run = spawnSync(process.execPath, node, { cwd: root, stdio: "inherit" });
  if (run.status !== 0) failed++;
}
process.exitCode = failed > 0 ? 1 : 0;
