// Runs the tests and ends with one line that counts them: "N passed, N failed, N skipped".
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

interface VitestCounts {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: unknown[];
  }[];
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hasten-tests-"));
const json = join(folder, "results.json");
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const options = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${json}`];

const run = spawnSync(process.execPath, [vitest, ...options, ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
});

const counts = read(json);
rmSync(folder, { recursive: true, force: true });
if (counts === undefined) {
  console.log("0 passed, 1 failed");
  process.exit(1);
}
// A file that could not even be loaded holds no test that failed, and must count all the same.
const unloaded = counts.testResults.filter(
  (file) => file.status === "failed" && file.assertionResults.length === 0,
).length;
const unhandled = run.status !== 0 && counts.success ? 1 : 0;
const failed = counts.numFailedTests + unloaded + unhandled;
const skipped = counts.numPendingTests + counts.numTodoTests;
console.log(
  `${counts.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
);
process.exit(run.status === 0 && failed === 0 ? 0 : 1);

function read(path: string): VitestCounts | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as VitestCounts;
  } catch {
    return undefined;
  }
}
