import { diagnose } from "../diagnose.ts";
import { DoctorError } from "../errors.ts";
import { namesDatabase } from "../options.ts";
import { htmlReport } from "../report/html/page.ts";
import { jsonReport } from "../report/json.ts";
import { terminalReport } from "../report/terminal/render.ts";
import type { Report } from "../report/types.ts";
import type { Environment } from "../target/types.ts";
import { type Asked, readArguments, STDOUT } from "./arguments.ts";
import { EXIT, type Output } from "./contract.ts";
import { checkWritable, explainRequest, readText, writeText } from "./files.ts";
import { HELP } from "./help.ts";
import { progressLine } from "./progress.ts";
import { exitCodeOf } from "./verdict.ts";
import { packageVersion } from "./version.ts";

const WIDTH = 100;

/**
 * The command line, as `hasten-doctor --help` tells it.
 * @returns the exit code: 0, 1 when `--fail-on` found something, 2 when it could not run, 130 when
 *   `signal` ended it. Never rejects.
 */
export async function doctorCommand(
  args: readonly string[],
  env: Environment,
  output: Output,
  signal?: AbortSignal,
): Promise<number> {
  const progress = progressLine(output);
  try {
    const asked = readArguments(args, env);
    if (asked.help || asked.version) {
      output.out(asked.help ? HELP : `${packageVersion()}\n`);
      return EXIT.fine;
    }
    const report = await run(asked, env, { output, onProgress: progress.onProgress, signal });
    progress.end();
    await write(report, asked, { output, env });
    return exitCodeOf(report, asked.failOn);
  } catch (error) {
    progress.end();
    if (signal?.aborted) {
      output.err("hasten-doctor: interrupted; the session is closed.\n");
      return EXIT.interrupted;
    }
    output.err(`hasten-doctor: ${textOf(error, env)}\n`);
    return EXIT.failed;
  }
}

interface Running {
  readonly output: Output;
  readonly onProgress: ReturnType<typeof progressLine>["onProgress"];
  readonly signal: AbortSignal | undefined;
}

async function run(
  asked: Asked,
  env: Environment,
  { output, onProgress, signal }: Running,
): Promise<Report> {
  const { url } = asked;
  const explain =
    asked.explain === undefined ? undefined : await explainRequest(asked.explain, asked.analyze);
  if (explain?.kind !== "plan" && !namesDatabase(url, env))
    throw new DoctorError("HST_DOCTOR_OPTION", {
      message: "It is not known which database is meant.",
      fix: "Pass its URL, or set DATABASE_URL; see hasten-doctor --help.",
    });
  if (url !== undefined && /:\/\/[^/?#]*:[^/?#]+@|[?&]password=/.test(url))
    output.err(
      "The URL's password shows in the process list: DATABASE_URL or ~/.pgpass hide it.\n",
    );
  await checkWritable(asked.html, "--html");
  await checkWritable(asked.json === STDOUT ? undefined : asked.json, "--json");
  await checkWritable(asked.save, "--save");
  return diagnose({
    url,
    env,
    only: asked.only,
    sampleMs: asked.sampleMs,
    since: asked.since,
    save: asked.save,
    queries: asked.queries === undefined ? undefined : await readText(asked.queries, "--queries"),
    explain,
    slowMs: asked.slowMs,
    statementTimeoutMs: asked.statementTimeoutMs,
    cacheDir: asked.cacheDir,
    signal,
    onProgress,
    onFault: (part, error) => {
      if (debugging(env)) output.err(`${part}: ${stackOf(error)}\n`);
    },
  });
}

async function write(
  report: Report,
  asked: Asked,
  { output, env }: { readonly output: Output; readonly env: Environment },
): Promise<void> {
  const { html, json } = asked;
  if (html !== undefined) await writeText(html, htmlReport(report), "--html");
  if (json === STDOUT) {
    output.out(jsonReport(report));
    return;
  }
  if (json !== undefined) await writeText(json, jsonReport(report), "--json");
  const width = asked.width ?? output.columns ?? (Number(env["COLUMNS"]) || WIDTH);
  output.out(terminalReport(report, { width, color: asked.color && (output.color ?? false) }));
}

const debugging = (env: Environment): boolean => (env["HASTEN_DEBUG"] ?? "") !== "";

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Only our own texts are shown as they are: another's may hold data. */
function textOf(error: unknown, env: Environment): string {
  if (debugging(env)) return stackOf(error);
  if (error instanceof DoctorError) return error.message;
  return "an unexpected error ended it. HASTEN_DEBUG=1 shows where; please report it.";
}
