/** `npm run doctor`: what hasten-doctor says of this API's database. Its options may follow `--`. */
import { doctorCommand, processOutput } from "hasten-doctor";
import { EmbeddedPostgresError } from "hasten-tools/postgres";
import { ConfigError, loadConfig } from "./config/index.ts";
import { loadEnvFiles } from "./environment.ts";
import { DatabaseMissing, withDatabase } from "./lifecycle/with-database.ts";

const COULD_NOT_RUN = 2;

try {
  loadEnvFiles();
  const command = loadConfig(process.env);
  if (command.kind === "start") {
    const { output, signal, exitCode } = processOutput();
    const ended = await withDatabase(command.config, (url) => {
      // By the environment, so that the password shows in no process list.
      const env = { ...process.env, DATABASE_URL: url };
      return doctorCommand(process.argv.slice(2), env, output, signal);
    });
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
