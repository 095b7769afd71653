import type { Config, StorageMode } from "../config/index.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";
import type { Log } from "./log.ts";

/** The servers that rows can be on. The embedded one is started when it is first asked for and kept until the end. */
export interface Places {
  /** URL of a mode's database; undefined when none is configured. @throws EmbeddedPostgresError */
  find(mode: StorageMode): Promise<string | undefined>;
  close(): Promise<void>;
}

export function createPlaces(config: Config, log: Log): Places {
  let embedded: Promise<Embedded> | undefined;
  const start = (): Promise<Embedded> => {
    embedded ??= startEmbedded(config, log).catch((error: unknown) => {
      embedded = undefined;
      throw error;
    });
    return embedded;
  };
  return {
    find: async (mode) => (mode === "local" ? (await start()).url : config.databaseUrl),
    async close() {
      const started = await embedded?.catch(() => undefined);
      await started?.close();
    },
  };
}
