import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { FAULTS } from "./table.ts";

const HERE = import.meta.dirname;

test("docs/postgres.md has the table of faults as it is tested", async () => {
  const text = await readFile(`${HERE}/../../../../docs/postgres.md`, "utf8");
  const section = text.split("### Faults\n")[1]!.split("\n## ")[0]!;
  const rows = section
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| fault "));
  const told = rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const tested = Object.entries(FAULTS).map(([name, { error, sqlstate = "-", breaker }]) => [
    ...[name, `\`${error}\``, sqlstate, breaker],
  ]);
  expect(told).toEqual(tested);
});

test("every fault of the table is made by a test", async () => {
  const files = (await readdir(HERE)).filter((name) => name.endsWith(".test.ts"));
  const texts = await Promise.all(files.map((name) => readFile(`${HERE}/${name}`, "utf8")));
  const missing = Object.keys(FAULTS).filter(
    (name) => !texts.some((text) => text.includes(`"${name}"`)),
  );
  expect(missing).toEqual([]);
});
