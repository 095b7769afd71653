/** Where the server of a data directory listens, for other programs of the same person. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownerOf } from "./owner.ts";
import { isAlive } from "./process-identity.ts";

const ADDRESS_FILE = "postgres-url";

export function keepAddress(dataDir: string, url: string): void {
  forgetAddress(dataDir);
  writeFileSync(join(dataDir, ADDRESS_FILE), `${url}\n`, { mode: 0o600 });
}

export function forgetAddress(dataDir: string): void {
  rmSync(join(dataDir, ADDRESS_FILE), { force: true });
}

/** The URL of the server that some process runs on this directory now; undefined when none does. */
export function runningPostgres(dataDir: string): string | undefined {
  const owner = ownerOf(dataDir);
  if (owner === undefined || !isAlive(owner)) return undefined;
  try {
    return readFileSync(join(dataDir, ADDRESS_FILE), "utf8").trim();
  } catch {
    return undefined;
  }
}
