/** One process: the server of rows, the API, and the end of both. */
import type { Config } from "../config/index.ts";
import { banner } from "./banner.ts";
import type { Log } from "./log.ts";
import { createPlaces } from "./places.ts";
import { assertPortFree } from "./port.ts";
import { prepare } from "./prepare.ts";
import { secretsOf } from "./secrets.ts";
import { serve } from "./serve.ts";
import type { Shutdown } from "./shutdown.ts";

export async function runAlone(config: Config, log: Log, shutdown: Shutdown): Promise<void> {
  const startedMs = performance.now();
  await assertPortFree(config);
  const places = createPlaces(config, log);
  shutdown.add(() => places.close());
  const { mode, url } = await prepare(places, { config, log, signal: shutdown.signal });
  const secrets = secretsOf(config);
  const parts = { config, secrets, mode, url, find: places.find, log, shutdown };
  const { port, storage } = await serve(parts);
  const tookMs = performance.now() - startedMs;
  log.info(await banner({ config, secrets, mode, port, tookMs, coherence: storage.coherence() }));
}
