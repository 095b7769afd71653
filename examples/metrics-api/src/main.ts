import cluster from "node:cluster";
import { EmbeddedPostgresError } from "hasten-tools/postgres";
import { type Config, ConfigError, helpText, loadConfig } from "./config/index.ts";
import { loadEnvFiles } from "./environment.ts";
import { runAlone } from "./lifecycle/alone.ts";
import { consoleLog } from "./lifecycle/log.ts";
import { StartRefused } from "./lifecycle/port.ts";
import { createShutdown, exitWithin, STOP_LIMIT_MS, stopOnSignals } from "./lifecycle/shutdown.ts";
import { runParent } from "./processes/parent.ts";
import { runWorker } from "./processes/worker.ts";
import { messageOf } from "./storage/index.ts";

const EXIT_CONFIG = 2;
const log = consoleLog(cluster.isWorker ? `[${process.pid}] ` : "");

async function start(config: Config): Promise<void> {
  const shutdown = createShutdown((error) => log.error("stopping", { reason: messageOf(error) }));
  const stop = async (code: number): Promise<void> => {
    exitWithin(STOP_LIMIT_MS, code || 1);
    await shutdown.run();
    process.exit(code);
  };
  let stopped = false;
  stopOnSignals((signal) => {
    if (stopped) return;
    stopped = true;
    log.info(`${signal}: stopping`);
    void starting.catch(() => undefined).then(() => stop(0));
    exitWithin(STOP_LIMIT_MS, 1);
    void shutdown.run();
  });
  const starting =
    config.processes > 1 ? runParent(config, log, shutdown) : runAlone(config, log, shutdown);
  try {
    await starting;
  } catch (error) {
    if (stopped) return;
    log.error(explain(error));
    await stop(1);
  }
}

/** What a person can act on is told without a stack trace. */
function explain(error: unknown): string {
  if (error instanceof StartRefused || error instanceof EmbeddedPostgresError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

try {
  loadEnvFiles();
  const command = loadConfig(process.env, process.argv.slice(2));
  if (command.kind === "help") console.log(helpText());
  else if (cluster.isWorker) runWorker(command.config, log);
  else await start(command.config);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(`metrics-api does not start:\n${error.problems.map((it) => `  ${it}`).join("\n")}`);
  console.error("See --help for every setting.");
  process.exitCode = EXIT_CONFIG;
}
