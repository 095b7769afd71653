import { existsSync, readdirSync, readFileSync } from "node:fs";
import { root } from "./run.ts";

/** The formatter sets one name a line: room for names, none for code. */
const INDEX_LINES_MAX = 200;

/** Shared by the adapters, and told by them: no subpath of its own. */
const INTERNAL: readonly string[] = ["facade"];

/** Every folder with an index is exported, every export is such a folder or one file. */
export function exportsMap(tree: string = root): readonly string[] {
  const folder = `${tree}packages/hasten/`;
  const manifest = JSON.parse(readFileSync(`${folder}package.json`, "utf8")) as {
    exports: Record<string, { "hasten-source"?: string } | string>;
  };
  const exported = Object.entries(manifest.exports)
    .flatMap(([, target]) => (typeof target === "string" ? [] : [target["hasten-source"] ?? ""]))
    .map((path) => path.replace("./src/", "").replace("/index.ts", ""));
  const isFile = (name: string): boolean =>
    name.endsWith(".ts") && existsSync(`${folder}src/${name}`);
  const present = readdirSync(`${folder}src`).filter((name) =>
    existsSync(`${folder}src/${name}/index.ts`),
  );
  return [
    ...present
      .filter((name) => !exported.includes(name) && !INTERNAL.includes(name))
      .map((name) => `src/${name}/index.ts is not in the exports map`),
    ...exported
      .filter((name) => !present.includes(name) && !isFile(name))
      .map((name) => `the exports map names ${name}, which has no index`),
    ...present
      .filter(
        (name) =>
          readFileSync(`${folder}src/${name}/index.ts`, "utf8").split("\n").length >
          INDEX_LINES_MAX,
      )
      .map((name) => `src/${name}/index.ts has more than ${INDEX_LINES_MAX} lines`),
  ];
}
