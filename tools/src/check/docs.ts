import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { capture, root, run } from "./run.ts";

/**
 * Code blocks of the README and the docs: every `ts` block is type-checked as a module of its own,
 * with the blocks before it where its fence says `ts continues`; one that says `ts run` is also
 * run and must end well. Links to files must lead somewhere.
 */
export function docs(): readonly string[] {
  const folder = `${root}node_modules/.cache/hasten-docs/`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const pages = globSync(
    [
      "README.md",
      "CONTRIBUTING.md",
      "docs/**/*.md",
      "packages/*/README.md",
      "examples/*/README.md",
    ],
    { cwd: root },
  );
  const blocks = pages.flatMap((page) => blocksOf(page));
  for (const block of blocks) writeFileSync(folder + block.file, block.code);
  writeFileSync(
    `${folder}tsconfig.json`,
    JSON.stringify({
      extends: "../../../tsconfig.base.json",
      compilerOptions: {
        noUnusedLocals: false,
        noUnusedParameters: false,
        moduleDetection: "force",
        typeRoots: ["../../@types"],
      },
      include: ["*.ts"],
    }),
  );
  writeFileSync(`${folder}package.json`, '{ "type": "module" }\n');
  const wrong =
    blocks.length === 0
      ? ["found no code block to check"]
      : run("tsc", ["-p", `${folder}tsconfig.json`, "--pretty", "false"], folder);
  const failed =
    wrong.length > 0
      ? []
      : blocks.filter((block) => block.runs).flatMap((block) => runBlock(folder, block));
  return [...wrong, ...failed, ...pages.flatMap((page) => deadLinks(page))];
}

interface Block {
  /** Named after its page and line, so that a compiler error leads to it. */
  readonly file: string;
  readonly code: string;
  readonly runs: boolean;
}

function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  let before = "";
  const text = readFileSync(root + page, "utf8");
  for (const match of text.matchAll(/^```ts([^\n]*)\n([\s\S]*?)^```/gm)) {
    const words = match[1]!.trim().split(/\s+/);
    const line = text.slice(0, match.index).split("\n").length;
    const code = words.includes("continues") ? before + match[2]! : match[2]!;
    before = code;
    blocks.push({
      file: `${page.replace(/\.md$/, "").replace(/\W+/g, "-")}-line-${line}.ts`,
      code,
      runs: words.includes("run"),
    });
  }
  return blocks;
}

function runBlock(folder: string, block: Block): readonly string[] {
  const { status, output } = capture(
    "node",
    ["--conditions=hasten-source", folder + block.file],
    folder,
  );
  return status === 0 ? [] : [`${block.file} ended with ${status}`, ...output.split("\n")];
}

function deadLinks(page: string): readonly string[] {
  const text = readFileSync(root + page, "utf8").replace(/^```[\s\S]*?^```/gm, "");
  return [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map((match) => match[1]!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !existsSync(join(root, dirname(page), target)))
    .map((target) => `${page} links to ${target}, which is not there`);
}
