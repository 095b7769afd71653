/** `npm run doctor`: what hasten-doctor says of this API's database. Its options may follow `--`. */
import { doctorCommand } from "hasten-doctor";
import { EmbeddedPostgresError } from "hasten-tools/postgres";
import { ConfigError, loadConfig } from "./config/index.ts";
import { loadEnvFiles } from "./environment.ts";
import { DatabaseMissing, withDatabase } from "./lifecycle/with-database.ts";

const COULD_NOT_RUN = 2;

try {
  loadEnvFiles();
  const command = loadConfig(process.env);
  if (command.kind === "start")
    process.exitCode = await withDatabase(command.config, (url) =>
      doctorCommand(
        process.argv.slice(2),
        // By the environment, so that the password shows in no process list.
        { ...process.env, DATABASE_URL: url },
        {
          out: (text) => void process.stdout.write(text),
          err: (text) => void process.stderr.write(text),
        },
      ),
    );
} catch (error) {
  const expected =
    error instanceof DatabaseMissing ||
    error instanceof ConfigError ||
    error instanceof EmbeddedPostgresError;
  console.error(expected ? error.message : error);
  process.exitCode = COULD_NOT_RUN;
}
