/**
 * Who uses a directory.
 *
 * Invariants:
 * - `owner.json` names at most one living process; it is created by link(2), which fails when the name exists,
 *   and its content is complete from the first moment.
 * - A record whose process is gone is moved aside before a new one is linked; a starter that moved a record other
 *   than the dead one it had read puts it back and looks again.
 */
import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EmbeddedPostgresError } from "./errors.ts";
import { isAlive, startTimeOf } from "./process-identity.ts";

export interface OwnerRecord {
  readonly pid: number;
  readonly startTime: string;
  readonly since: string;
}

export interface Ownership {
  /** The record of a process that ended without giving the directory back (killed, power cut). */
  readonly previous: OwnerRecord | undefined;
  release(): void;
}

const OWNER_FILE = "owner.json";
const ATTEMPTS_MAX = 5;

/** The record in `directory`, whether its process lives or not. */
export function ownerOf(directory: string): OwnerRecord | undefined {
  return readRecord(join(directory, OWNER_FILE));
}

/** Takes the directory for this process, or throws `in-use` naming the process that has it. */
export function takeOwnership(directory: string): Ownership {
  const file = join(directory, OWNER_FILE);
  const mine: OwnerRecord = {
    pid: process.pid,
    startTime: startTimeOf(process.pid) ?? "unknown",
    since: new Date().toISOString(),
  };
  let previous: OwnerRecord | undefined;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (linkRecord(file, mine)) return { previous, release: () => releaseRecord(file, mine) };
    const found = readRecord(file);
    if (found !== undefined && isAlive(found)) throw inUse(directory, found);
    previous = found ?? previous;
    moveAside(file, found);
  }
  throw new EmbeddedPostgresError("in-use", `${file} changes faster than it can be read.`);
}

function inUse(directory: string, owner: OwnerRecord): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    "in-use",
    `The directory ${directory} is in use by process ${owner.pid}, running since ${owner.since}. Stop that process first, or use another directory.`,
  );
}

function linkRecord(file: string, record: OwnerRecord): boolean {
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function moveAside(file: string, dead: OwnerRecord | undefined): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const moved = readRecord(aside);
  const raced = moved !== undefined && moved.pid !== dead?.pid && isAlive(moved);
  if (raced) linkSync(aside, file);
  rmSync(aside, { force: true });
}

function releaseRecord(file: string, mine: OwnerRecord): void {
  const found = readRecord(file);
  if (found?.pid === mine.pid && found.startTime === mine.startTime) rmSync(file, { force: true });
}

function readRecord(file: string): OwnerRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is OwnerRecord {
  if (typeof value !== "object" || value === null) return false;
  const { pid, startTime, since } = value as Record<keyof OwnerRecord, unknown>;
  return (
    Number.isSafeInteger(pid) &&
    (pid as number) > 0 &&
    typeof startTime === "string" &&
    typeof since === "string"
  );
}
