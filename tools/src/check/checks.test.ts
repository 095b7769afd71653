// A check that cannot fail is worse than none: each is shown a tree that breaks its rule. The lint
// rules are shown theirs by `planted.ts`, in `npm run check`.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { goal } from "../bench/report.ts";
import { docs } from "./docs.ts";
import { errorCodes } from "./error-codes.ts";
import { exportsMap } from "./exports-map.ts";
import { reach } from "./reach.ts";

const trees: string[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) rmSync(tree, { recursive: true, force: true });
});

function plant(files: Readonly<Record<string, string>>): string {
  const tree = `${mkdtempSync(join(tmpdir(), "hasten-checks-"))}/`;
  trees.push(tree);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(tree + path), { recursive: true });
    writeFileSync(tree + path, text);
  }
  return tree;
}

const SRC = "packages/hasten/src";
const indexes = Object.fromEntries(
  [
    ...["cache", "redis", "traces", "postgres", "http", "express"].map(
      (name) => `${name}/index.ts`,
    ),
    ...["metrics/prom-client.ts", "metrics/opentelemetry.ts"],
  ].map((file) => [`${SRC}/${file}`, "export {};\n"]),
);

test("a folder missing from the exports map, and an export without a folder, are both named", () => {
  const tree = plant({
    "packages/hasten/package.json": JSON.stringify({
      exports: {
        "./cache": { "hasten-source": "./src/cache/index.ts" },
        "./gone": { "hasten-source": "./src/gone/index.ts" },
      },
    }),
    [`${SRC}/cache/index.ts`]: "export {};\n",
    [`${SRC}/locks/index.ts`]: "export {};\n",
  });
  expect(exportsMap(tree)).toEqual([
    "src/locks/index.ts is not in the exports map",
    "the exports map names gone, which has no index",
  ]);
});

test("a subpath that loads a driver or another feature is named, and a type import is not", () => {
  const tree = plant({
    ...indexes,
    [`${SRC}/cache/index.ts`]: 'export { x } from "./x.ts";\nimport type { Pool } from "pg";\n',
    [`${SRC}/cache/x.ts`]:
      'import { Pool } from "pg";\nimport { y } from "../http/index.ts";\nexport const x = [Pool, y];\n',
  });
  expect(reach(tree)).toEqual([
    "hasten/cache loads pg (cache/x.ts)",
    "hasten/cache loads http/index.ts",
  ]);
});

test("an error code without documentation, and a documented one nobody throws, are both named", () => {
  const tree = plant({
    [`${SRC}/cache/errors.ts`]: 'export const a = "HST_NEW";\n',
    "packages/doctor/src/errors.ts": 'export const a = "HST_ALSO_NEW";\n',
    "docs/errors.md": "| `HST_OLD` | meaning | fix |\n",
  });
  expect(errorCodes(tree)).toEqual([
    "HST_ALSO_NEW is thrown but not in docs/errors.md",
    "HST_NEW is thrown but not in docs/errors.md",
    "HST_OLD is in docs/errors.md but nowhere in the source",
  ]);
});

test("a code block that does not compile is named by page and line, and so is a dead link", () => {
  const tree = plant({
    "README.md": "# x\n\n```ts\nconst n: number = 'one';\n```\n\n[gone](docs/gone.md)\n",
  });
  const wrong = docs(tree).join("\n");
  expect(wrong).toMatch(/README-line-3\.ts.*TS2322/);
  expect(wrong).toContain("README.md links to docs/gone.md, which is not there");
});

test("a runnable code block that throws is named", () => {
  const tree = plant({ "README.md": '```ts run\nthrow new Error("planted");\n```\n' });
  expect(docs(tree).join("\n")).toMatch(/README-line-1\.ts ended with 1[\s\S]*planted/);
});

test("a page set without any code block is a finding, not a pass", () => {
  expect(docs(plant({ "README.md": "# nothing\n" }))).toEqual(["found no code block to check"]);
});

test("a goal is met or missed by the comparison it prints", () => {
  expect(goal("ratio", 1.3, "<= 1.3").met).toBe(true);
  expect(goal("ratio", 1.31, "<= 1.3").met).toBe(false);
  expect(goal("ratio", 0.9, ">= 0.9").met).toBe(true);
  expect(() => goal("ratio", 1, "about 1")).toThrow(/<= 1.3/);
});
