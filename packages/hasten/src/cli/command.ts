import { parseArgs } from "node:util";
import { HastenError } from "../core/errors.ts";
import { type Asked, EXIT, type Output } from "./contract.ts";
import { HELP } from "./help.ts";
import { preflightCommand } from "./preflight.ts";
import { setupCommand } from "./setup.ts";

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  json: { type: "boolean" },
  "direct-url": { type: "string" },
  publication: { type: "string" },
  triggers: { type: "boolean" },
  "dry-run": { type: "boolean" },
} as const;

/** Runs one command and gives the exit code. Never rejects. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  output: Output,
): Promise<number> {
  const wrong = (because: string): number => {
    output.err(`hasten: ${because}\nSee hasten --help.\n`);
    return EXIT.usage;
  };
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return wrong((error as Error).message);
  }
  const { values, positionals } = parsed;
  const [name, url = env["DATABASE_URL"], ...rest] = positionals;
  if (values.help === true || name === undefined) {
    output.out(HELP);
    return name === undefined && values.help !== true ? EXIT.usage : EXIT.fine;
  }
  const command = COMMANDS[name];
  if (command === undefined)
    return wrong(
      name.includes(":") // a URL without a command: it may hold a password
        ? "name a command before the URL: hasten preflight <url>."
        : `there is no command ${JSON.stringify(name)}.`,
    );
  if (name === "preflight" && (values.triggers === true || values["dry-run"] === true))
    return wrong("--triggers and --dry-run are options of setup.");
  if (url === undefined) return wrong("pass the database's URL, or set DATABASE_URL.");
  if (rest.length > 0) return wrong("pass one URL.");
  try {
    return await command(
      {
        url,
        directUrl: values["direct-url"],
        publication: values.publication,
        json: values.json ?? false,
        triggers: values.triggers ?? false,
        dryRun: values["dry-run"] ?? false,
      },
      output,
    );
  } catch (error) {
    if (error instanceof HastenError && error.code === "HST_PG_OPTION") return wrong(error.message);
    output.err(`hasten: ${(error as Error).message}\n${refusedFor(error)}`);
    return EXIT.failed;
  }
}

const INSUFFICIENT_PRIVILEGE = "42501";

const refusedFor = (error: unknown): string =>
  (error as { code?: unknown }).code === INSUFFICIENT_PRIVILEGE
    ? "Run it as the owner of the tables, with CREATE on the database; --dry-run prints the SQL to hand over.\n"
    : "";

const COMMANDS: Readonly<Record<string, (asked: Asked, output: Output) => Promise<number>>> = {
  preflight: preflightCommand,
  setup: setupCommand,
};

const parse = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
