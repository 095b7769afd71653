/** The storage chosen at run time, kept so that a restart goes on with it. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { StorageMode } from "../config/index.ts";

const FILE = "storage.json";

const choice = z.object({ mode: z.enum(["local", "postgres"]), chosenAt: z.string() });

export type Choice = z.output<typeof choice>;

export function readChoice(dataDir: string): Choice | undefined {
  try {
    return choice.parse(JSON.parse(readFileSync(join(dataDir, FILE), "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(
      `${join(dataDir, FILE)} cannot be read as a choice of storage. Remove it to start with what STORAGE says.`,
      { cause: error },
    );
  }
}

/** Replaced in one step: a reader sees the old choice or the new one. */
export function writeChoice(dataDir: string, mode: StorageMode): void {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, FILE);
  const draft = `${file}.${process.pid}`;
  try {
    const text = JSON.stringify({ mode, chosenAt: new Date().toISOString() });
    writeFileSync(draft, `${text}\n`, { mode: 0o600, flush: true });
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}
