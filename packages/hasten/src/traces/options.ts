import type { Clock } from "../core/clock.ts";
import type { SiteCapture } from "../core/trace/index.ts";
import { optionInvalid } from "./errors.ts";
import { type Allowance, checkedAllowances } from "./exempt.ts";
import type { FindContext } from "./facts.ts";
import type { TraceFinding } from "./finding.ts";
import {
  type Environment,
  environmentOf,
  SAMPLING,
  type Thresholds,
  thresholdsFor,
} from "./thresholds.ts";
import { functionWrittenAt } from "./written-in.ts";

/** Options of {@link watchFindings}. */
export interface FindingsOptions {
  /** @default what NODE_ENV says: "production", "test", else "development" */
  readonly environment?: Environment | undefined;
  /** Over those of the environment. */
  readonly thresholds?: Partial<Thresholds> | undefined;
  /** Findings that are accepted: they are not told. @default none */
  readonly allow?: readonly Allowance[] | undefined;
  /** Judges loops of INSERT, UPDATE and DELETE too. @default false */
  readonly writes?: boolean | undefined;
  /** Share of the traces that are judged, 0 to 1. @default 1; in production 0.05 */
  readonly sample?: number | undefined;
  /** A JSON file with findings that are accepted. @default none */
  readonly baseline?: string | undefined;
  /** Adds what is found to the baseline when the watch is closed. @default false */
  readonly updateBaseline?: boolean | undefined;
  /** Told of each finding in several lines. @default standard error in development, nobody elsewhere */
  readonly print?: ((text: string) => void) | undefined;
  /** Told of each finding. */
  readonly onFinding?: ((finding: TraceFinding) => void) | undefined;
  /** Findings kept; the oldest goes first. 1 to 10,000. @default 100 */
  readonly findingsMax?: number | undefined;
  /** A problem is told once in this time. 0 to Infinity. @default 600_000; in development once */
  readonly everyMs?: number | undefined;
  /** Files are named relative to it. @default process.cwd() */
  readonly root?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** From 0 to 1, for sampling. @default Math.random */
  readonly random?: (() => number) | undefined;
}

const FINDINGS_MAX = 100;
const FINDINGS_MAX_MAX = 10_000;
const EVERY_MS = 600_000;

export interface FindingsSettings {
  readonly environment: Environment;
  readonly thresholds: Thresholds;
  readonly context: Omit<FindContext, "name" | "kind">;
  readonly capture: SiteCapture;
  readonly root: string;
  readonly sample: number;
  readonly findingsMax: number;
  readonly everyMs: number;
  readonly print: ((text: string) => void) | undefined;
  readonly random: () => number;
}

/** @throws HST_TRACE_OPTION */
export function resolveFindings(options: FindingsOptions): FindingsSettings {
  const { environment = environmentOf(process.env["NODE_ENV"]), root = process.cwd() } = options;
  const sampling = SAMPLING[environment];
  if (sampling === undefined)
    throw optionInvalid("environment", '"development", "test" or "production"');
  const development = environment === "development";
  const { sample = sampling.traces, findingsMax = FINDINGS_MAX, writes = false } = options;
  const { everyMs = development ? Number.POSITIVE_INFINITY : EVERY_MS } = options;
  if (!(sample >= 0 && sample <= 1)) throw optionInvalid("sample", "from 0 to 1");
  if (!(everyMs >= 0)) throw optionInvalid("everyMs", "at least 0");
  if (!Number.isInteger(findingsMax) || findingsMax < 1 || findingsMax > FINDINGS_MAX_MAX)
    throw optionInvalid("findingsMax", `a whole number from 1 to ${FINDINGS_MAX_MAX}`);
  if (options.updateBaseline === true && options.baseline === undefined)
    throw optionInvalid("updateBaseline", "given together with baseline, the file to write");
  return {
    environment,
    thresholds: thresholdsFor(environment, options.thresholds),
    context: {
      ...{ root, writes, allow: checkedAllowances(options.allow) },
      functionAt: functionWrittenAt,
    },
    capture: { from: environment === "production" ? 2 : 1, max: sampling.sites },
    root,
    sample,
    findingsMax,
    everyMs,
    print: options.print ?? (development ? printOnStandardError : undefined),
    random: options.random ?? Math.random,
  };
}

function printOnStandardError(text: string): void {
  process.stderr.write(text);
}
