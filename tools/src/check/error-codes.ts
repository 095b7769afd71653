import { globSync, readFileSync } from "node:fs";
import { root } from "./run.ts";

const CODE = /"(HST_[A-Z0-9_]+)"/g;

/** The codes in the source and the codes in docs/errors.md are the same, both ways. */
export function errorCodes(tree: string = root): readonly string[] {
  const source = new Set<string>();
  for (const path of globSync("packages/*/src/**/*.ts", { cwd: tree })) {
    if (path.includes(".test.")) continue;
    for (const [, code] of readFileSync(tree + path, "utf8").matchAll(CODE)) source.add(code!);
  }
  const page = readFileSync(`${tree}docs/errors.md`, "utf8");
  const documented = new Set(
    [...page.matchAll(/^\| `(HST_[A-Z0-9_]+)`/gm)].map((match) => match[1]!),
  );
  return [
    ...[...source]
      .filter((code) => !documented.has(code))
      .map((code) => `${code} is thrown but not in docs/errors.md`),
    ...[...documented]
      .filter((code) => !source.has(code))
      .map((code) => `${code} is in docs/errors.md but nowhere in the source`),
  ].sort();
}
