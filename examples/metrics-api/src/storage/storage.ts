/**
 * Where the rows are, and moving them to another server while in use.
 *
 * Invariants:
 * - every write passes the gate; the copy ends while none is under way and none can begin, so it holds every
 *   acknowledged write, and the first write after it goes to the new database;
 * - a switch that is refused or fails changes neither the database in use nor the chosen mode;
 * - the choice is on disk before the first write to the new database is accepted;
 * - what was read from the old database is forgotten, and what is still being read there is not kept, before the first
 *   write to the new one: cached answers hang on the database that they were read from, and are never served past it.
 */
import { type CoherenceStatus, type Database, sql } from "hasten/postgres";
import type { StorageMode } from "../config/index.ts";
import { type Attachment, attach } from "./attachment.ts";
import { type Clock, systemClock } from "./clock.ts";
import { createGate, type Gate } from "./gate.ts";
import type { Opened } from "./opened.ts";
import { messageOf, type Refused, refused, type SwitchOutcome } from "./outcome.ts";
import { transfer } from "./transfer.ts";

export interface Storage extends AsyncDisposable {
  /** The database in use now: ask for it in each request, never keep it. */
  current(): Database;
  readonly mode: StorageMode;
  /** Every write goes through here. @throws StorageBusy when a switch takes longer than a write may wait */
  write<T>(work: (db: Database) => Promise<T>): Promise<T>;
  /** Copies everything to the other storage and goes on there, or says why not. Never rejects for an expected reason. */
  switchTo(mode: StorageMode): Promise<SwitchOutcome>;
  status(): StorageStatus;
  /** What is promised of answers cached from the database in use. */
  coherence(): CoherenceStatus;
}

export interface StorageStatus {
  readonly mode: StorageMode;
  readonly switching: boolean;
  readonly inFlightWrites: number;
}

export interface StorageParts {
  readonly mode: StorageMode;
  /** Of the database in use first. */
  readonly url: string;
  /** Where another mode is; undefined when nowhere. @throws when its server cannot be started */
  readonly find: (mode: StorageMode) => Promise<string | undefined>;
  readonly open: (url: string, mode: StorageMode) => Promise<Opened>;
  readonly migrations: string;
  /** Keeps the choice for the next start. */
  readonly remember: (mode: StorageMode) => void;
  /** Called after the switch, before the first write. */
  readonly forgetCached: () => Promise<unknown>;
  /** A reason why this process may not switch, for example that it is one of several. */
  readonly fixedBecause?: string | undefined;
  readonly clock?: Clock;
}

/** Requests that took the old database just before a switch finish within this time. */
const RETIRE_AFTER_MS = 5_000;
const DRAIN_LIMIT_MS = 10_000;

interface Used {
  readonly mode: StorageMode;
  readonly url: string;
  readonly opened: Opened;
  readonly attachment: Attachment;
}

/** Opens the storage. The database must have been migrated. */
export async function openStorage(parts: StorageParts): Promise<Storage> {
  const attachment = await attach(parts.url);
  const { mode, url } = parts;
  const opened = await parts.open(url, mode);
  await opened.database.query(MARK_LIVE);
  return storageOn(parts, { mode, url, opened, attachment });
}

const MARK_LIVE = sql`update metrics_api.system set state = 'live' where state <> 'live'`;

function storageOn(parts: StorageParts, first: Used): Storage {
  const clock = parts.clock ?? systemClock;
  const gate = createGate(clock);
  const retired = new Set<Retirement>();
  let used = first;
  let switching = false;

  const move = async (to: StorageMode): Promise<SwitchOutcome> => {
    const startedMs = performance.now();
    const moved = await moveTo(parts, gate, { used, to });
    if (moved.kind === "refused") return moved;
    await used.attachment.release();
    retired.add(retire(used.opened, clock, (it) => retired.delete(it)));
    const from = used.mode;
    used = moved.used;
    await parts.forgetCached();
    const tookMs = Math.round(performance.now() - startedMs);
    return { kind: "switched", from, to, rows: moved.rows, tookMs };
  };

  return {
    current: () => used.opened.database,
    get mode() {
      return used.mode;
    },
    write: (work) => gate.pass(() => work(used.opened.database)),
    async switchTo(to) {
      if (to === used.mode) return { kind: "unchanged", mode: to };
      if (switching) return refused("busy", "Another switch is under way.");
      if (parts.fixedBecause !== undefined) return refused("attached", parts.fixedBecause);
      switching = true;
      try {
        return await move(to);
      } finally {
        switching = false;
        gate.open();
      }
    },
    status: () => ({ mode: used.mode, switching, inFlightWrites: gate.inside }),
    coherence: () => used.opened.coherence(),
    async [Symbol.asyncDispose]() {
      await Promise.all([close(used), ...[...retired].map((it) => it.now())]);
    },
  };
}

type Moved = { readonly kind: "moved"; readonly used: Used; readonly rows: number };

async function moveTo(
  parts: StorageParts,
  gate: Gate,
  { used, to }: { readonly used: Used; readonly to: StorageMode },
): Promise<Moved | Refused> {
  const url = await urlOf(parts, to);
  if (typeof url !== "string") return url;
  const held = await used.attachment.exclusive();
  if (held !== "alone") {
    return held === "lost"
      ? refused("unreachable", "The storage in use cannot be reached.")
      : refused(
          "attached",
          "Another process of this API is attached to the storage in use. Stop it first.",
        );
  }
  const outcome = await transfer({
    sourceUrl: used.url,
    targetUrl: url,
    migrations: parts.migrations,
    closeGate: () => gate.close(DRAIN_LIMIT_MS),
  });
  if (outcome.kind === "refused") {
    await used.attachment.shared().catch(() => undefined);
    return outcome;
  }
  const { attachment, rows } = outcome;
  const opened = await parts.open(url, to);
  try {
    parts.remember(to);
  } catch (error) {
    await Promise.allSettled([attachment.release(), used.attachment.shared(), opened.close()]);
    return refused("copy-failed", `The choice cannot be kept: ${messageOf(error)}.`);
  }
  // Not marked, it would only be marked at the next start: nothing is lost meanwhile.
  await Promise.allSettled([opened.database.query(MARK_LIVE), attachment.shared()]);
  return { kind: "moved", used: { mode: to, url, opened, attachment }, rows };
}

async function urlOf(parts: StorageParts, mode: StorageMode): Promise<string | Refused> {
  try {
    const url = await parts.find(mode);
    if (url !== undefined) return url;
    return refused("no-target", "DATABASE_URL is not set: there is no other server.");
  } catch (error) {
    return refused("unreachable", `The target cannot be started: ${messageOf(error)}.`);
  }
}

interface Retirement {
  now(): Promise<void>;
}

function retire(opened: Opened, clock: Clock, done: (it: Retirement) => void): Retirement {
  let closing: Promise<void> | undefined;
  const retirement: Retirement = {
    now() {
      timer.cancel();
      closing ??= opened.close().finally(() => done(retirement));
      return closing;
    },
  };
  const timer = clock.schedule(RETIRE_AFTER_MS, () => void retirement.now());
  return retirement;
}

async function close(used: Used): Promise<void> {
  await Promise.allSettled([used.opened.close(), used.attachment.release()]);
}
