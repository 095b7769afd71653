/**
 * The migrations runner.
 *
 * Invariants:
 * - one runner at a time in a database (session advisory lock, taken by trying);
 * - files are numbered 1, 2, 3… without gap or duplicate; one that was applied never changes;
 * - a file is one transaction together with its record, so it is applied and recorded, or neither;
 * - a file marked `-- hasten: no-transaction` runs statement by statement; after each its progress
 *   is recorded, so that a repeat goes on after the last that is known to be done.
 */
import type { Core } from "../core.ts";
import { createCore } from "../core.ts";
import { type Dedicated, dedicated, lockSession } from "../dedicated.ts";
import { optionInvalid, PostgresError } from "../errors.ts";
import { aborted } from "../failures.ts";
import { type ConnectionTarget, type DatabaseOptions, resolveOptions } from "../options.ts";
import { sql } from "../sql.ts";
import { type Applied, applyFile, type MigrationEvent } from "./apply.ts";
import { type Migration, migrationError, readMigrations } from "./files.ts";
import { createLedger, type Recorded } from "./ledger.ts";

export interface MigrateOptions
  extends ConnectionTarget,
    Pick<DatabaseOptions, "directUrl" | "pooler"> {
  /** Directory of files like `0001-create-orders.sql`. */
  readonly directory: string;
  /** Where the applied ones are recorded: table, or schema and table. @default "hasten_migrations" */
  readonly table?: string | readonly string[];
  /** Longest wait for another runner. @default 60_000. Bounds 0 to 86_400_000. */
  readonly waitMs?: number;
  /** The server's limit for each statement. @default 3_600_000. Bounds 1 to 86_400_000. */
  readonly statementTimeoutMs?: number;
  /** How long a statement waits for a table lock before it fails, so that it does not stop the traffic queueing behind it; 0 = for ever. @default 0 */
  readonly lockTimeoutMs?: number;
  readonly onProgress?: (event: MigrationEvent) => void;
  readonly signal?: AbortSignal;
}

export interface MigrateResult {
  /** Files applied now, in order. */
  readonly applied: readonly Applied[];
  /** The highest number applied; 0 for none. */
  readonly version: number;
}

const DAY_MS = 86_400_000;

/**
 * Brings a database up to date. It needs a session of its own: behind a pooler pass `directUrl`.
 * @throws HST_PG_MIGRATION naming file, line and SQLSTATE (the server's error is its cause);
 * HST_PG_TIMEOUT when another runner does not end; HST_PG_UNAVAILABLE; HST_PG_POOLER
 */
export async function migrate(options: MigrateOptions): Promise<MigrateResult> {
  const bounds = resolveBounds(options);
  const files = await readMigrations(options.directory);
  const core = createCore(
    resolveOptions({
      ...options,
      applicationName: "hasten-migrate",
      errors: "full",
      pool: { min: 0, max: 1 },
      healthEveryMs: 0,
      slowQueryMs: DAY_MS,
      slowTransactionMs: DAY_MS,
    }),
  );
  try {
    return await runAll(core, files, { ...options, ...bounds });
  } finally {
    await Promise.all([core.connections.close(0), core.sessions.close(0)]);
  }
}

type Bounds = Required<Pick<MigrateOptions, "waitMs" | "statementTimeoutMs" | "lockTimeoutMs">>;

function resolveBounds(o: MigrateOptions): Bounds {
  const within = (name: string, value: number, low: number): number => {
    if (Number.isInteger(value) && value >= low && value <= DAY_MS) return value;
    throw optionInvalid(name, `an integer from ${low} to ${DAY_MS}`, value);
  };
  return {
    waitMs: within("waitMs", o.waitMs ?? 60_000, 0),
    statementTimeoutMs: within("statementTimeoutMs", o.statementTimeoutMs ?? 3_600_000, 1),
    lockTimeoutMs: within("lockTimeoutMs", o.lockTimeoutMs ?? 0, 0),
  };
}

async function runAll(
  core: Core,
  files: readonly Migration[],
  options: MigrateOptions & Bounds,
): Promise<MigrateResult> {
  const { statementTimeoutMs, lockTimeoutMs, signal, onProgress } = options;
  const limits = { statement_timeout: statementTimeoutMs, lock_timeout: lockTimeoutMs };
  return dedicated(core, { statementTimeoutMs, signal }, async (session) => {
    const ledger = createLedger(session, options.table ?? "hasten_migrations");
    await lockSession(session, `hasten migrations ${ledger.name}`, {
      waitMs: options.waitMs,
      signal,
      onWait: () => onProgress?.({ kind: "waiting" }),
    });
    await freshSettings(session, limits);
    const recorded = await ledger.open();
    const pending = pendingFiles(files, recorded);
    const applied: Applied[] = [];
    for (const file of pending) {
      if (signal?.aborted) throw aborted(signal);
      const progress = { total: files.length, onProgress };
      applied.push(await applyFile(session, ledger, file, progress));
      await freshSettings(session, limits);
    }
    return { applied, version: files.length };
  });
}

/** Every file starts from the same settings and role, whichever files ran before it in this session. */
async function freshSettings(
  session: Dedicated,
  limits: Readonly<Record<string, number>>,
): Promise<void> {
  await session.run(sql`reset session authorization`);
  await session.run(sql`reset all`);
  for (const [name, ms] of Object.entries(limits))
    await session.run(sql`select set_config(${name}, ${String(ms)}, false)`);
}

/** What is left to do, after checking that what was done is still what it was. */
export function pendingFiles(
  files: readonly Migration[],
  recorded: readonly Recorded[],
): readonly Migration[] {
  for (const one of recorded) {
    const file = files[one.version - 1];
    if (file === undefined)
      throw migrationError(
        `The database has migration ${one.version} (${one.name}), which is not in the directory.`,
        "Run the newer release, or restore the file.",
      );
    if (one.finished && file.checksum !== one.checksum)
      throw migrationError(
        `${file.name} was changed after it was applied.`,
        "Restore it as it was and write a new migration.",
      );
  }
  const done = new Set(recorded.filter((one) => one.finished).map((one) => one.version));
  const pending = files.filter((file) => !done.has(file.version));
  const last = Math.max(0, ...done);
  const early = pending.find((file) => file.version < last);
  if (early !== undefined)
    throw migrationError(
      `${early.name} was never applied, but later ones were.`,
      "Give it the next free number.",
    );
  return pending;
}

export interface MigrateCommandOptions extends MigrateOptions {
  /** Receives one line at a time, for example console.log. */
  readonly write: (line: string) => void;
}

/**
 * The runner as a command: writes what happens and resolves to an exit code, 0 or 1. Never rejects.
 * `process.exitCode = await migrateCommand({ url, directory, write: console.log })`
 */
export async function migrateCommand(options: MigrateCommandOptions): Promise<0 | 1> {
  const { write, onProgress } = options;
  try {
    const { applied, version } = await migrate({
      ...options,
      onProgress: (event) => {
        if (event.kind === "waiting") write("waiting for another migration to end");
        if (event.kind === "applied")
          write(`applied ${event.name} (${Math.round(event.durationMs)} ms)`);
        onProgress?.(event);
      },
    });
    write(applied.length === 0 ? `up to date at ${version}` : `migrated to ${version}`);
    return 0;
  } catch (error) {
    write(error instanceof PostgresError ? `failed: ${error.message}` : `failed: ${String(error)}`);
    return 1;
  }
}
