/** `npm run platform:indexes -- [--migrate] [<url>]` */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { HastenError, migrate } from "hasten/postgres";
import { makeIndexes } from "./make-indexes.ts";

const MIGRATIONS = fileURLToPath(new URL("../migrations", import.meta.url));
const HELP = `npm run platform:indexes -- [--migrate] [<url>]

Makes the platform's indexes where they are missing, without blocking writes.

  <url>       postgres://…; default: DATABASE_URL, which shows in no process list
  --migrate   makes the ten tables first
  --help

Exit code: 0 all indexes are there; 1 one could not be made; 2 the command line is wrong.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { migrate: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  const url = positionals[0] ?? process.env["DATABASE_URL"];
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  if (url === undefined || positionals.length > 1) {
    console.error(`Pass one URL, or set DATABASE_URL.\n\n${HELP}`);
    return 2;
  }
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort());
  try {
    if (values.migrate === true) await migrate({ url, directory: MIGRATIONS });
    await makeIndexes({
      url,
      signal: interrupted.signal,
      onMade: ({ outcome, done, total }) => {
        const took = outcome.kind === "exists" ? "" : ` in ${Math.round(outcome.durationMs)} ms`;
        console.log(
          `${String(done).padStart(2)}/${total}  ${outcome.kind.padEnd(7)} ${outcome.name}${took}`,
        );
      },
    });
    return 0;
  } catch (error) {
    console.error(error instanceof HastenError ? error.message : error);
    return 1;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`${(error as Error).message}\n\n${HELP}`);
  process.exitCode = 2;
}
