/** `npm run doctor`: what hasten-doctor says of this API's database. Its options may follow `--`. */
import { doctorCommand, processOutput } from "hasten-doctor";
import { EmbeddedPostgresError } from "hasten-tools/postgres";
import { ConfigError, loadConfig } from "./config/index.ts";
import { loadEnvFiles } from "./environment.ts";
import { DatabaseMissing, withDatabase } from "./lifecycle/with-database.ts";

const COULD_NOT_RUN = 2;
/** For these no database is started. */
const ASKS_NOTHING: ReadonlySet<string> = new Set(["-h", "--help", "--version"]);

try {
  loadEnvFiles();
  const command = loadConfig(process.env);
  if (command.kind === "start") {
    const { output, signal, exitCode } = processOutput();
    const args = process.argv.slice(2);
    // By the environment, so that the password shows in no process list.
    const run = (url: string): Promise<number> =>
      doctorCommand(args, { ...process.env, DATABASE_URL: url }, output, signal);
    const ended = args.some((arg) => ASKS_NOTHING.has(arg))
      ? await run("")
      : await withDatabase(command.config, run);
    process.exitCode = exitCode(ended);
  }
} catch (error) {
  const expected =
    error instanceof DatabaseMissing ||
    error instanceof ConfigError ||
    error instanceof EmbeddedPostgresError;
  console.error(expected ? error.message : error);
  process.exitCode = COULD_NOT_RUN;
}
