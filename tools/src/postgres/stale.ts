/**
 * Removes what runs left behind: temporary servers' directories whose owner is gone, and private
 * directories of data that was itself temporary and is gone. A private directory of data elsewhere
 * stays, whatever became of that: its disk may only be away.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join, sep } from "node:path";
import { MADE_FOR, PRIVATE_BASES, TEMPORARY_PREFIX, temporaryBases } from "./home.ts";
import { ownerOf } from "./owner.ts";
import { stopLeftover } from "./postmaster.ts";
import { isAlive } from "./process-identity.ts";
import type { ServerUser } from "./server-user.ts";

/** Time between making a directory and marking it, with a wide margin. */
const UNMARKED_AGE_MIN_MS = 10 * 60_000;

/** Only directories of this user (or of the user the server drops to) are looked at. */
export async function removeStale(user: ServerUser | undefined): Promise<readonly string[]> {
  const removed: string[] = [];
  const owners = new Set([process.getuid?.(), user?.uid]);
  for (const directory of temporaryBases().flatMap(candidates)) {
    try {
      const stat = lstatSync(directory);
      if (!stat.isDirectory() || !owners.has(stat.uid)) continue;
      if (!isStale(directory, stat.mtimeMs)) continue;
      await stopLeftover(join(directory, "cluster"));
      rmSync(directory, { recursive: true, force: true });
      removed.push(directory);
    } catch {
      // Another run is removing the same directory.
    }
  }
  return removed;
}

/** Root's business only: nobody else can write there. Returns what was removed. */
export async function removePrivateLeftovers(): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  const removed: string[] = [];
  for (const directory of PRIVATE_BASES.flatMap((base) => entriesOf(base))) {
    if (!wasForTemporaryData(directory)) continue;
    await stopLeftover(join(directory, "postgres", "cluster"));
    rmSync(directory, { recursive: true, force: true });
    removed.push(directory);
  }
  return removed;
}

function wasForTemporaryData(directory: string): boolean {
  try {
    const madeFor = readFileSync(join(directory, MADE_FOR), "utf8");
    const temporary = temporaryBases().some((base) => madeFor.startsWith(realpathSync(base) + sep));
    return temporary && !existsSync(madeFor);
  } catch {
    return false;
  }
}

function entriesOf(base: string): readonly string[] {
  return existsSync(base) ? readdirSync(base).map((name) => join(base, name)) : [];
}

function candidates(base: string): readonly string[] {
  try {
    return readdirSync(base)
      .filter((name) => name.startsWith(TEMPORARY_PREFIX))
      .map((name) => join(base, name));
  } catch {
    return [];
  }
}

function isStale(directory: string, modifiedMs: number): boolean {
  const owner = ownerOf(directory);
  return owner === undefined ? Date.now() - modifiedMs > UNMARKED_AGE_MIN_MS : !isAlive(owner);
}
