/** The database in use, for commands beside the API. */
import { migrate } from "hasten/postgres";
import { runningPostgres } from "hasten-tools/postgres";
import type { Config } from "../config/index.ts";
import { readChoice } from "../storage/index.ts";
import { consoleLog } from "./log.ts";
import { createPlaces } from "./places.ts";
import { MIGRATIONS } from "./prepare.ts";

/** The storage in use is a server that no setting names. */
export class DatabaseMissing extends Error {}

/**
 * Uses the server that a running API has, else starts the embedded one for the moment.
 * @throws DatabaseMissing, EmbeddedPostgresError
 */
export async function withDatabase<T>(
  config: Config,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const mode = readChoice(config.dataDir)?.mode ?? config.storageMode;
  const running = mode === "local" ? runningPostgres(config.dataDir) : undefined;
  if (running !== undefined) return work(running);
  const places = createPlaces(config, consoleLog());
  try {
    const url = await places.find(mode);
    if (url === undefined)
      throw new DatabaseMissing("DATABASE_URL: not set, and the storage in use is postgres.");
    await migrate({ url, directory: MIGRATIONS });
    return await work(url);
  } finally {
    await places.close();
  }
}
