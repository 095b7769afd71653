/** Everything before the first request: the server, its tables, the demo's rows. */
import { fileURLToPath } from "node:url";
import { migrate } from "hasten/postgres";
import { hashPassword } from "../api/auth/password.ts";
import type { Config, StorageMode } from "../config/index.ts";
import { seed } from "../seed/index.ts";
import { messageOf, readChoice } from "../storage/index.ts";
import type { Log } from "./log.ts";
import type { Places } from "./places.ts";
import { StartRefused } from "./port.ts";
import { progressLine } from "./progress.ts";

export interface Prepared {
  readonly mode: StorageMode;
  readonly url: string;
}

export const MIGRATIONS = fileURLToPath(new URL("../migrations", import.meta.url));
const SEED_ROWS_LOCAL = 50_000;

interface Surroundings {
  readonly config: Config;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** @throws StartRefused, EmbeddedPostgresError */
export async function prepare(places: Places, around: Surroundings): Promise<Prepared> {
  const { config, log, signal } = around;
  const mode = modeOf(config, log);
  const url = await places.find(mode);
  if (url === undefined)
    throw new StartRefused(
      `The storage chosen at run time is "postgres" (${config.dataDir}/storage.json), but DATABASE_URL is not set. Set it, or remove that file to go back to the embedded server as it was.`,
    );
  signal.throwIfAborted();
  await migrateAndSeed(mode, url, around);
  return { mode, url };
}

/** What an administrator chose while the API ran holds until the file is removed. */
function modeOf(config: Config, log: Log): StorageMode {
  const choice = readChoice(config.dataDir);
  if (choice === undefined || choice.mode === config.storageMode) return config.storageMode;
  log.info(
    `storage is "${choice.mode}", chosen at run time on ${choice.chosenAt} (remove ${config.dataDir}/storage.json for "${config.storageMode}")`,
  );
  return choice.mode;
}

async function migrateAndSeed(
  mode: StorageMode,
  url: string,
  { config, log, signal }: Surroundings,
): Promise<void> {
  try {
    // Its locks need a session of their own, which a pooler may not keep.
    const directUrl = mode === "postgres" ? config.databaseDirectUrl : undefined;
    const { applied } = await migrate({ url, directUrl, directory: MIGRATIONS, signal });
    if (applied.length > 0) log.info(`tables made: ${applied.map((it) => it.name).join(", ")}`);
  } catch (error) {
    signal.throwIfAborted();
    throw new StartRefused(`The database is not ready: ${messageOf(error)}`, { cause: error });
  }
  const local = mode === "local";
  const progress = progressLine(log);
  const made = await seed({
    url,
    metrics: config.seedRows ?? (local ? SEED_ROWS_LOCAL : 0),
    demoUsers: local,
    hashPassword,
    onProgress: progress.show,
    signal,
  });
  if (made > 0) progress.end(`demo rows made: ${made.toLocaleString("en")}`);
}
