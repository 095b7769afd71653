import { parseArgs } from "node:util";
import { DoctorError } from "../errors.ts";
import { PARTS, type Part } from "../options.ts";
import { WIDTH_MAX, WIDTH_MIN } from "../report/terminal/render.ts";
import type { Environment } from "../target/types.ts";
import { durationMs } from "./duration.ts";

export type Threshold = "warning" | "critical";

/** What was asked for on the command line and in the environment, checked. */
export interface Asked {
  readonly help: boolean;
  readonly version: boolean;
  readonly url: string | undefined;
  readonly only: readonly Part[] | undefined;
  readonly sampleMs: number | undefined;
  readonly save: string | undefined;
  readonly since: string | undefined;
  readonly queries: string | undefined;
  readonly explain: string | undefined;
  readonly analyze: boolean;
  readonly slowMs: number | undefined;
  readonly html: string | undefined;
  /** A path, or {@link STDOUT}. */
  readonly json: string | undefined;
  readonly failOn: Threshold | undefined;
  readonly width: number | undefined;
  readonly color: boolean;
  readonly statementTimeoutMs: number | undefined;
  readonly cacheDir: string | undefined;
}

export const STDOUT = "-";

const FLAGS = {
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "v" },
  analyze: { type: "boolean" },
  "no-color": { type: "boolean" },
} as const;

const VALUED = [
  "only",
  "sample",
  "save",
  "since",
  "queries",
  "explain",
  "slow-ms",
  "html",
  "json",
  "fail-on",
  "width",
  "statement-timeout",
  "cache-dir",
] as const;

type Valued = (typeof VALUED)[number];

/** @throws DoctorError HST_DOCTOR_OPTION, which repeats no argument: it may hold a password */
export function readArguments(args: readonly string[], env: Environment): Asked {
  const { values, positionals } = parsed(withJsonTarget(args));
  if (positionals.length > 1)
    throw wrong(
      "There is more than one argument beside the options.",
      "Pass one URL; quote a query.",
    );
  const value = (name: Valued): string | undefined =>
    values.get(name) ?? filled(env[`HASTEN_DOCTOR_${name.toUpperCase().replaceAll("-", "_")}`]);
  const analyze = values.has("analyze");
  const explain = value("explain");
  const counted = [value("sample"), value("since"), value("queries")];
  if (counted.filter((one) => one !== undefined).length > 1)
    throw wrong("--sample, --since and --queries exclude each other.", "Pass one of them.");
  if (analyze && explain === undefined)
    throw wrong("--analyze runs the query of --explain.", "Pass --explain with a query.");
  return {
    help: values.has("help"),
    version: values.has("version"),
    url: positionals[0],
    only: partsOf(value("only")),
    sampleMs: duration("--sample", value("sample"), SAMPLE),
    save: value("save"),
    since: value("since"),
    queries: value("queries"),
    explain,
    analyze,
    slowMs: number("--slow-ms", value("slow-ms") ?? filled(env["HASTEN_SLOW_MS"]), SLOW),
    html: value("html"),
    json: value("json"),
    failOn: thresholdOf(value("fail-on")),
    width: number("--width", value("width"), [WIDTH_MIN, WIDTH_MAX]),
    color: !values.has("no-color") && filled(env["NO_COLOR"]) === undefined,
    statementTimeoutMs: duration("--statement-timeout", value("statement-timeout"), TIMEOUT),
    cacheDir: value("cache-dir"),
  };
}

const SLOW = [0, 86_400_000] as const;
const SAMPLE = { text: "1s to 1h", ms: [1_000, 3_600_000] } as const;
const TIMEOUT = { text: "100ms to 5m", ms: [100, 300_000] } as const;

interface Span {
  readonly text: string;
  readonly ms: readonly [number, number];
}

/** `--json` may stand alone; a file's name is known by its ending or by `--json=`. */
const withJsonTarget = (args: readonly string[]): string[] =>
  args.flatMap((arg, at) => {
    if (arg === "--json") return args[at + 1]?.endsWith(".json") ? [arg] : [arg, STDOUT];
    return [arg];
  });

interface Parsed {
  /** Flags with an empty value. */
  readonly values: ReadonlyMap<string, string>;
  readonly positionals: readonly string[];
}

function parsed(args: readonly string[]): Parsed {
  const strings = Object.fromEntries(VALUED.map((name) => [name, { type: "string" as const }]));
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...FLAGS, ...strings },
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  const values = new Map<string, string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const { name, value, rawName } = token;
    const known = name in FLAGS || (VALUED as readonly string[]).includes(name);
    if (!known) throw wrong(`There is no option ${rawName}.`, "See hasten-doctor --help.");
    if (name in FLAGS && value !== undefined)
      throw wrong(`${rawName} takes no value.`, "Leave it out.");
    if (!(name in FLAGS) && (value === undefined || value === ""))
      throw wrong(`${rawName} takes a value.`, "See hasten-doctor --help.");
    values.set(name, value ?? "");
  }
  return { values, positionals };
}

const filled = (value: string | undefined): string | undefined =>
  value === undefined || value === "" ? undefined : value;

function partsOf(text: string | undefined): readonly Part[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(",").map((name) => name.trim());
  const known = PARTS.filter((part) => names.includes(part));
  if (names.every((name) => (PARTS as readonly string[]).includes(name))) return known;
  throw wrong("--only names a part that there is not.", `Pass some of ${PARTS.join(",")}.`);
}

function thresholdOf(text: string | undefined): Threshold | undefined {
  if (text === undefined || text === "warning" || text === "critical") return text;
  throw wrong("--fail-on is neither warning nor critical.", "Pass one of them.");
}

function duration(option: string, text: string | undefined, span: Span): number | undefined {
  if (text === undefined) return undefined;
  const ms = durationMs(text);
  if (ms === undefined)
    throw wrong(`${option} is no duration.`, "Write it with its unit: 500ms, 60s, 5m, 1h.");
  if (ms >= span.ms[0] && ms <= span.ms[1]) return ms;
  throw wrong(`${option} is out of its bounds.`, `Pass ${span.text}.`);
}

function number(
  option: string,
  text: string | undefined,
  [least, most]: readonly [number, number],
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && value >= least && value <= most) return value;
  throw wrong(`${option} is no number from ${least} to ${most}.`, "Correct it.");
}

const wrong = (message: string, fix: string): DoctorError =>
  new DoctorError("HST_DOCTOR_OPTION", { message, fix });
