import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { capture, root } from "./run.ts";

/** A file that breaks one rule, and the rule that must catch it. */
interface Violation {
  readonly rule: string;
  readonly path: string;
  readonly text: string;
  /** Further files it needs to stand. */
  readonly beside?: Readonly<Record<string, string>>;
}

const SRC = "packages/hasten/src";
const DOCTOR = "packages/doctor/src";
const imports = (folder: string, from: string, typeOnly = false, src = SRC): Violation => ({
  rule: "noRestrictedImports",
  path: `${src}/${folder}/planted-${from.replace(/\W+/g, "-")}${typeOnly ? "-type" : ""}.ts`,
  text: `import ${typeOnly ? "type " : ""}{ x } from "${from}";\nexport const y: typeof x = ${typeOnly ? "1" : "x"};\n`,
});
const doctorImports = (folder: string, from: string): Violation =>
  imports(folder, from, false, DOCTOR);
const lines = (count: number, line: string): string => `${line}\n`.repeat(count);

const VIOLATIONS: readonly Violation[] = [
  imports("core", "../cache/index.ts"),
  imports("core", "../cache/index.ts", true),
  imports("core", "hasten/http"),
  imports("cache", "../http/index.ts"),
  imports("cache", "../postgres/index.ts"),
  imports("cache/memory", "../../express/index.ts"),
  imports("postgres", "../http/index.ts"),
  imports("postgres", "../cache/cache.ts"),
  imports("postgres/pages", "../../http/index.ts"),
  imports("http", "../postgres/index.ts"),
  imports("http", "express"),
  imports("http", "../cache/tags.ts"),
  imports("http/response-cache", "../../express/index.ts"),
  imports("express", "../postgres/index.ts"),
  imports("express", "../http/etag.ts"),
  imports("express", "../facade/open.ts"),
  imports("core/trace", "../../cache/index.ts"),
  imports("postgres/stream", "../../http/index.ts"),
  imports("postgres/watch", "../../facade/index.ts"),
  imports("facade", "../express/index.ts"),
  imports("facade", "../postgres/sql.ts"),
  imports("redis", "../cache/index.ts"),
  imports("cache/shared", "../../http/index.ts"),
  imports("cache/shared/tier", "../../../redis/link.ts"),
  imports("http", "../redis/index.ts"),
  imports("metrics", "../http/index.ts"),
  imports("metrics", "../cache/cache.ts"),
  imports("postgres", "../traces/index.ts"),
  imports("core/trace", "../../traces/index.ts"),
  imports("traces", "../postgres/index.ts"),
  imports("facade", "../traces/find.ts"),
  imports("cli", "../express/index.ts"),
  imports("cli", "../postgres/sql.ts"),
  doctorImports("workload", "hasten/cache"),
  doctorImports("cli", "../../../hasten/src/postgres/index.ts"),
  doctorImports("health", "pg"),
  doctorImports("choose", "@electric-sql/pglite"),
  doctorImports("candidates", "libpg-query"),
  doctorImports("candidates", "../model/open.ts"),
  doctorImports("model", "../choose/advise.ts"),
  doctorImports("plans/rules", "../../guard/guard.ts"),
  doctorImports("report", "../cli/command.ts"),
  {
    ...imports("core", "unused"),
    rule: "noRestrictedImports",
    path: "examples/metrics-api/src/planted.ts",
    text: 'import { x } from "../../../packages/hasten/src/cache/index.ts";\nexport const y = x;\n',
  },
  {
    rule: "noImportCycles",
    path: `${SRC}/core/planted-a.ts`,
    text: 'import { b } from "./planted-b.ts";\nexport const a = (): unknown => b;\n',
    beside: {
      [`${SRC}/core/planted-b.ts`]:
        'import { a } from "./planted-a.ts";\nexport const b = (): unknown => a;\n',
    },
  },
  {
    rule: "noImportCycles",
    path: `${SRC}/core/planted-c.ts`,
    text: 'import type { D } from "./planted-d.ts";\nexport interface C {\n  d: D;\n}\n',
    beside: {
      [`${SRC}/core/planted-d.ts`]:
        'import type { C } from "./planted-c.ts";\nexport interface D {\n  c: C;\n}\n',
    },
  },
  {
    rule: "noExcessiveLinesPerFile",
    path: `${SRC}/core/planted-long.ts`,
    text: lines(301, "export {};"),
  },
  {
    rule: "noExcessiveLinesPerFunction",
    path: `${SRC}/core/planted-function.ts`,
    text: `export function long(): void {\n${lines(71, "  long();")}}\n`,
  },
  {
    rule: "useMaxParams",
    path: `${SRC}/core/planted-params.ts`,
    text: "export const five = (a: 1, b: 1, c: 1, d: 1, e: 1): number => a + b + c + d + e;\n",
  },
  { rule: "noDefaultExport", path: `${SRC}/core/planted-default.ts`, text: "export default 1;\n" },
  {
    rule: "noReExportAll",
    path: `${SRC}/core/planted-all.ts`,
    text: 'export * from "./planted-default.ts";\n',
  },
  { rule: "noConsole", path: `${SRC}/core/planted-console.ts`, text: "console.log(1);\n" },
  {
    rule: "noExplicitAny",
    path: `${SRC}/core/planted-any.ts`,
    text: "export const x: any = 1;\n",
  },
  {
    rule: "noFloatingPromises",
    path: `${SRC}/core/planted-floating.ts`,
    text: "async function work(): Promise<void> {}\nexport function start(): void {\n  work();\n}\n",
  },
  {
    rule: "useExhaustiveSwitchCases",
    path: `${SRC}/core/planted-switch.ts`,
    text: 'type Kind = "a" | "b";\nexport function f(kind: Kind): number {\n  switch (kind) {\n    case "a":\n      return 1;\n  }\n  return 2;\n}\n',
  },
  {
    rule: "noUndeclaredDependencies",
    path: `${SRC}/core/planted-dependency.ts`,
    text: 'import { x } from "left-pad";\nexport const y = x;\n',
  },
  {
    rule: "useFilenamingConvention",
    path: `${SRC}/core/plantedName.ts`,
    text: "export const x = 1;\n",
  },
];

/**
 * Plants one violation a rule in a copy of the tree's shape and expects each to be reported: a
 * check that cannot fail is worse than none.
 */
export function planted(): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "hasten-planted-"));
  try {
    plant(folder);
    const { output } = capture(
      "biome",
      ["lint", "--reporter=json", "--max-diagnostics=none", "."],
      folder,
    );
    const found = diagnostics(output);
    return VIOLATIONS.filter(
      (violation) =>
        !found.some(
          (one) => one.category.endsWith(`/${violation.rule}`) && one.path.endsWith(violation.path),
        ),
    ).map((violation) => `${violation.rule} did not catch what was planted in ${violation.path}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function plant(folder: string): void {
  const config = JSON.parse(readFileSync(`${root}biome.json`, "utf8")) as Record<string, unknown>;
  write(folder, "biome.json", JSON.stringify({ ...config, vcs: { enabled: false } }));
  for (const file of [
    "package.json",
    "packages/hasten/package.json",
    "packages/doctor/package.json",
  ]) {
    write(folder, file, readFileSync(`${root}${file}`, "utf8"));
  }
  for (const violation of VIOLATIONS) {
    write(folder, violation.path, violation.text);
    for (const [path, text] of Object.entries(violation.beside ?? {})) write(folder, path, text);
  }
}

function write(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function diagnostics(output: string): { category: string; path: string }[] {
  const start = output.indexOf('{"');
  const end = output.lastIndexOf("}");
  if (start < 0 || end < 0) throw new Error(`biome printed no report: ${output.slice(0, 500)}`);
  const parsed = JSON.parse(output.slice(start, end + 1)) as {
    diagnostics: { category?: string; location?: { path?: string | { file?: string } } }[];
  };
  return parsed.diagnostics.map((one) => {
    const path = one.location?.path;
    return {
      category: one.category ?? "",
      path: (typeof path === "string" ? path : path?.file) ?? "",
    };
  });
}
