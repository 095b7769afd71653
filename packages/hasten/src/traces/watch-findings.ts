/**
 * Judges the traces of a process as they end.
 *
 * Invariants:
 * - Runs after the answer has been sent, and never throws into what ended: a fault is counted.
 * - Bounded: findings kept, problems remembered as told; a log has a bound of its own.
 * - One problem (kind, file, function and statement) is told once in `everyMs`.
 */
import { channels } from "../core/channels.ts";
import { systemClock } from "../core/clock.ts";
import type { OptionNames } from "../core/known-options.ts";
import { tell } from "../core/tell.ts";
import type { TraceEnded } from "../core/trace/index.ts";
import { addToBaseline, type Baseline, readBaseline } from "./baseline.ts";
import { captureSites } from "./capture-sites.ts";
import { paintFor } from "./code-frame.ts";
import { refuseUnknown } from "./errors.ts";
import type { FindContext } from "./facts.ts";
import { findIn } from "./find-in.ts";
import type { TraceFinding } from "./finding.ts";
import { findingText } from "./finding-text.ts";
import { Lately } from "./lately.ts";
import { type FindingsOptions, resolveFindings } from "./options.ts";
import type { Environment } from "./thresholds.ts";

export interface FindingsStats {
  readonly environment: Environment;
  /** Traces with statements that ended. */
  readonly traces: number;
  readonly judged: number;
  /** Findings told. */
  readonly findings: number;
  /** Found again too soon to be told, or accepted by the baseline. */
  readonly suppressed: number;
  /** Traces whose judgement failed: a fault of hasten. */
  readonly failed: number;
}

export interface FindingsWatch extends Disposable {
  /** The latest, oldest first. */
  findings(): readonly TraceFinding[];
  stats(): FindingsStats;
  /** Stops. Writes the baseline where that was asked for. */
  close(): void;
}

const TOLD_MAX = 1_000;
const NAMES: OptionNames<FindingsOptions> = {
  ...{ environment: true, thresholds: true, allow: true, writes: true, sample: true },
  ...{ baseline: true, updateBaseline: true, print: true, onFinding: true, findingsMax: true },
  ...{ everyMs: true, root: true, clock: true, random: true },
};

/**
 * Looks at every request and job that ends in this process, and tells what is wrong with its statements:
 * in development on standard error with the lines of the source, in tests and in production to whoever
 * asks `findings()`, `onFinding` or the channel `hasten:trace:finding`.
 * @throws HST_TRACE_OPTION for options out of bounds or that there are not, HST_TRACE_BASELINE for a broken file
 */
export function watchFindings(options: FindingsOptions = {}): FindingsWatch {
  refuseUnknown("findings", options, NAMES);
  const settings = resolveFindings(options);
  const { clock = systemClock, onFinding, baseline: path } = options;
  const { environment, random, findingsMax, everyMs } = settings;
  const baseline: Baseline = path === undefined ? new Set() : readBaseline(path);
  const kept: TraceFinding[] = [];
  const fresh = new Map<string, TraceFinding>();
  const told = new Lately(TOLD_MAX);
  const counts = { traces: 0, judged: 0, findings: 0, suppressed: 0, failed: 0 };
  const found = (finding: TraceFinding): void => {
    const isNew = told.take(finding.key, clock.nowMs(), everyMs);
    if (baseline.has(finding.key) || !isNew) {
      counts.suppressed += 1;
      return;
    }
    counts.findings += 1;
    kept.push(finding);
    if (kept.length > findingsMax) kept.shift();
    if (options.updateBaseline === true && fresh.size < TOLD_MAX) fresh.set(finding.key, finding);
    channels.traceFinding.publish(finding);
    tell(onFinding, finding);
    if (settings.print !== undefined) tell(settings.print, shownOn(finding, settings.root));
  };
  const ended = (message: unknown): void => {
    const { queries, name, kind } = message as TraceEnded;
    if (queries === undefined) return;
    counts.traces += 1;
    if (settings.sample < 1 && random() >= settings.sample) return;
    counts.judged += 1;
    try {
      const context: FindContext = { ...settings.context, name, kind };
      for (const finding of findIn(queries, settings.thresholds, context)) found(finding);
    } catch {
      counts.failed += 1;
    }
  };
  const release = captureSites(settings.capture);
  channels.traceEnded.subscribe(ended);
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    channels.traceEnded.unsubscribe(ended);
    release();
    if (path !== undefined && fresh.size > 0) addToBaseline(path, [...fresh.values()]);
  };
  return {
    findings: () => [...kept],
    stats: () => ({ environment, ...counts }),
    close,
    [Symbol.dispose]: close,
  };
}

function shownOn(finding: TraceFinding, root: string): string {
  return `hasten: ${findingText(finding, { root, paint: paintFor(process.stderr, process.env) })}\n`;
}
