import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { DoctorError } from "../errors.ts";
import { isFields } from "../parse/walk.ts";
import { ENTRIES_MAX, SNAPSHOT_FORMAT, type Snapshot, type SnapshotEntry } from "./snapshot.ts";

/** Of a snapshot's file; 20,000 entries take about 5 MB. */
export const SNAPSHOT_BYTES_MAX: number = 16 * 1_048_576;
const FIRST_FORMAT = "hasten-doctor/snapshot/1";
const HEALTH_COUNTERS_MAX = 100;
const PRIVATE = 0o600;

/**
 * Writes the file readable by its owner alone, whole or not at all.
 * @throws DoctorError HST_DOCTOR_FILE
 */
export async function writeSnapshot(path: string, snapshot: Snapshot): Promise<void> {
  const beside = `${path}.${randomUUID()}.part`;
  try {
    const file = await open(beside, "wx", PRIVATE);
    try {
      await file.writeFile(`${JSON.stringify(snapshot)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true });
    throw fileError("cannot be written", "Check the path and its folder's permissions.", cause);
  }
}

/** @throws DoctorError HST_DOCTOR_FILE: not there, too large, or not such a snapshot */
export async function readSnapshot(path: string): Promise<Snapshot> {
  let text: string;
  try {
    if ((await stat(path)).size > SNAPSHOT_BYTES_MAX)
      throw fileError("is larger than any snapshot", ANOTHER);
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof DoctorError) throw cause;
    throw fileError("cannot be read", "Check the path and its permissions.", cause);
  }
  return snapshotIn(text);
}

/** Every field is checked: the file may come from anywhere. */
export function snapshotIn(text: string): Snapshot {
  const value = parsed(text);
  if (!isFields(value)) throw fileError("is no snapshot", ANOTHER);
  // The first version is the same without the counters of health.
  if (value["format"] !== SNAPSHOT_FORMAT && value["format"] !== FIRST_FORMAT)
    throw fileError("is no snapshot, or one of another version of hasten-doctor", ANOTHER);
  const { server, hidden, entries } = value;
  if (!isFields(server) || !isFields(hidden) || !Array.isArray(entries))
    throw fileError("is no whole snapshot", ANOTHER);
  if (entries.length > ENTRIES_MAX) throw fileError("has more entries than any snapshot", ANOTHER);
  return {
    format: SNAPSHOT_FORMAT,
    takenAt: number(value["takenAt"]),
    server: {
      systemId: optional(server["systemId"], digits),
      databaseOid: number(server["databaseOid"]),
      standby: truth(server["standby"]),
      startedAt: number(server["startedAt"]),
    },
    resetAt: optional(value["resetAt"], number),
    evicted: optional(value["evicted"], number),
    cutAtMs: optional(value["cutAtMs"], number),
    hidden: { entries: number(hidden["entries"]), totalMs: number(hidden["totalMs"]) },
    entries: entries.map(entryIn),
    health: optional(value["health"], countersIn),
  };
}

function countersIn(value: unknown): Readonly<Record<string, number>> {
  if (!isFields(value)) throw damaged();
  const names = Object.keys(value);
  if (names.length > HEALTH_COUNTERS_MAX) throw damaged();
  return Object.fromEntries(names.map((name) => [name, number(value[name])]));
}

function entryIn(value: unknown): SnapshotEntry {
  if (!isFields(value)) throw damaged();
  return {
    queryId: digits(value["queryId"]),
    userId: number(value["userId"]),
    topLevel: truth(value["topLevel"]),
    since: optional(value["since"], number),
    calls: number(value["calls"]),
    totalMs: number(value["totalMs"]),
    maxMs: optional(value["maxMs"], number),
    rows: number(value["rows"]),
    blocksHit: number(value["blocksHit"]),
    blocksRead: number(value["blocksRead"]),
    tempBlocksWritten: number(value["tempBlocksWritten"]),
    walBytes: number(value["walBytes"]),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text.
    return undefined;
  }
}

function number(value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw damaged();
}

function truth(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw damaged();
}

function digits(value: unknown): string {
  if (typeof value === "string" && /^-?\d{1,20}$/.test(value)) return value;
  throw damaged();
}

const optional = <Value>(value: unknown, read: (value: unknown) => Value): Value | undefined =>
  value === undefined || value === null ? undefined : read(value);

const ANOTHER = "Take a new one with --save.";
const damaged = (): DoctorError => fileError("has a field that is not what it should be", ANOTHER);

const fileError = (what: string, fix: string, cause?: unknown): DoctorError =>
  new DoctorError("HST_DOCTOR_FILE", { message: `The snapshot's file ${what}.`, fix }, { cause });
