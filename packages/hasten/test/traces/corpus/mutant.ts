/** The rules with a mistake planted in their text. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Find } from "./judge.ts";

const source = fileURLToPath(new URL("../../../src/", import.meta.url));

export interface Planted {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** `traces/findIn` of a copy in which `from`, which stands in the file once, is `to`. */
export async function withMistake({ file, from, to }: Planted): Promise<Find> {
  const folder = mkdtempSync(join(tmpdir(), "hasten-corpus-"));
  try {
    for (const part of ["core", "traces"])
      cpSync(join(source, part), join(folder, part), { recursive: true });
    const path = join(folder, "traces", file);
    const parts = readFileSync(path, "utf8").split(from);
    if (parts.length !== 2) throw new Error(`${from} stands in ${file} ${parts.length - 1} times`);
    writeFileSync(path, parts.join(to));
    const url = pathToFileURL(join(folder, "traces/find-in.ts")).href;
    return ((await import(/* @vite-ignore */ url)) as { findIn: Find }).findIn;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
