import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { capture, root, run } from "./run.ts";

const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  "docs/**/*.md",
  "packages/*/README.md",
  "examples/*/README.md",
];

/** As strict as the project, but a reader's example may declare what it does not use. */
const COMPILER = {
  extends: "../../tsconfig.base.json",
  compilerOptions: {
    noUnusedLocals: false,
    noUnusedParameters: false,
    moduleDetection: "force",
    typeRoots: ["../../node_modules/@types"],
  },
  include: ["*.ts"],
};

/**
 * Code blocks of the README and the docs: every `ts` block is type-checked as a module of its own,
 * with the blocks before it where its fence says `ts continues`; one that says `ts run` is also
 * run and must end well. Links to files must lead somewhere.
 */
export function docs(tree: string = root): readonly string[] {
  const pages = globSync(PAGES, { cwd: tree, exclude: ["**/node_modules/**"] }).sort();
  const blocks = pages.flatMap((page) => blocksOf(tree, page));
  const links = pages.flatMap((page) => deadLinks(tree, page));
  if (blocks.length === 0) return ["found no code block to check", ...links];
  // Below the root, so that the blocks find the packages as a user's code would.
  mkdirSync(`${root}.cache`, { recursive: true });
  const folder = `${mkdtempSync(`${root}.cache/docs-`)}/`;
  try {
    return [...codeBlocks(folder, blocks), ...links];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function codeBlocks(folder: string, blocks: readonly Block[]): readonly string[] {
  for (const block of blocks) writeFileSync(folder + block.file, block.code);
  writeFileSync(`${folder}tsconfig.json`, JSON.stringify(COMPILER));
  writeFileSync(`${folder}package.json`, '{ "type": "module" }\n');
  const wrong = run("tsc", ["-p", `${folder}tsconfig.json`, "--pretty", "false"], folder);
  if (wrong.length > 0) return wrong;
  return blocks.filter((block) => block.runs).flatMap((block) => runBlock(folder, block));
}

interface Block {
  /** Named after its page and line, so that a compiler error leads to it. */
  readonly file: string;
  readonly code: string;
  readonly runs: boolean;
}

function blocksOf(tree: string, page: string): readonly Block[] {
  const blocks: Block[] = [];
  let before = "";
  const text = readFileSync(tree + page, "utf8");
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
  const node = ["--conditions=hasten-source", folder + block.file];
  const { status, output } = capture("node", node, folder);
  return status === 0 ? [] : [`${block.file} ended with ${status}`, ...output.split("\n")];
}

function deadLinks(tree: string, page: string): readonly string[] {
  const text = readFileSync(tree + page, "utf8").replace(/^```[\s\S]*?^```/gm, "");
  return [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map((match) => match[1]!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !existsSync(join(tree, dirname(page), target)))
    .map((target) => `${page} links to ${target}, which is not there`);
}
