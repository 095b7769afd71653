import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { findIn, thresholdsFor } from "../../../src/traces/index.ts";
import { CASES } from "./cases.ts";
import { logOf } from "./hand-made.ts";
import { MUTANTS } from "./mutants.ts";

const source = fileURLToPath(new URL("../../../src/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hasten-mutants-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Cases that the rules judge otherwise than they should. */
function wrongOf(find: typeof findIn): readonly string[] {
  return CASES.filter(({ asked, found, environment = "test" as const, thresholds }) => {
    const findings = find(logOf(asked), thresholdsFor(environment, thresholds), {
      name: "x",
      root: "/app",
    });
    return JSON.stringify(findings.map(({ kind }) => kind)) !== JSON.stringify(found);
  }).map(({ name }) => name);
}

test("the rules judge every case as they should", () => {
  expect(wrongOf(findIn)).toEqual([]);
});

test.each(Object.entries(MUTANTS))("noticed: %s", async (name, { file, from, to }) => {
  const copy = join(folder, name.replaceAll(/\W+/g, "-"));
  cpSync(join(source, "core"), join(copy, "core"), { recursive: true });
  cpSync(join(source, "traces"), join(copy, "traces"), { recursive: true });
  const path = join(copy, "traces", file);
  const text = readFileSync(path, "utf8");
  expect(text.split(from)).toHaveLength(2);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
  const mutant = (await import(
    /* @vite-ignore */ pathToFileURL(join(copy, "traces/find-in.ts")).href
  )) as { findIn: typeof findIn };
  expect(wrongOf(mutant.findIn)).not.toEqual([]);
});
