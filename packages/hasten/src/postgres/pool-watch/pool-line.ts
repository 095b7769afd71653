import type { CallSite } from "../../core/trace/index.ts";
import type { CheckoutReport, PoolReport, PoolWatchEvent } from "./types.ts";

/** A report in one line, for a log. */
export function poolLine(report: PoolReport): string {
  const { pool, active, max, idle, waiting, wait, leaksOut } = report;
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const over = report.utilisationMean > report.utilisationTarget ? ", over its target" : "";
  return [
    `pool ${pool}: ${active} of ${max} in use (${percent(report.utilisation)} now, ` +
      `${percent(report.utilisationMean)} over ${Math.round(report.windowMs / 1_000)} s${over})`,
    `${idle} idle, ${waiting} waiting`,
    `waits p50 ${milliseconds(wait.p50Ms)}, p95 ${milliseconds(wait.p95Ms)}`,
    `${report.timeouts} timed out, ${report.failed} failed, ${report.shed} shed`,
    `${report.opened} opened, ${report.closed} closed`,
    `${leaksOut} leaked now, ${report.leaks} in all`,
    report.size.text,
  ].join("; ");
}

/** An event in one line, for a log. */
export function poolEventLine(event: PoolWatchEvent): string {
  const said = `pool ${event.pool}:`;
  switch (event.kind) {
    case "waiting-began":
      return `${said} somebody waits for a connection: every one is in use`;
    case "waiting-ended":
      return `${said} nobody waits any more, after ${seconds(event.durationMs)}; ${event.depthMax} did at most`;
    case "acquire-timeout":
    case "acquire-failed":
      return `${said} no connection after ${seconds(event.waitMs)} (${event.because})`;
    case "shed":
      return `${said} a caller was refused: ${event.because}`;
    default:
      return `${said} ${WORDS[event.kind]} ${describe(event.checkout)}${"destroyed" in event && event.destroyed ? "; it was destroyed" : ""}`;
  }
}

const WORDS = {
  "held-long": "a connection is held for long,",
  leak: "a connection is not given back,",
  "leak-returned": "a connection that was not given back came back,",
  "leak-destroyed": "a connection that was not given back is destroyed,",
  "query-long": "a statement runs for long,",
  "returned-busy": "a connection was given back with a statement running on it,",
  "returned-in-transaction": "a connection was given back with a transaction open,",
} as const;

function describe({ ageMs, site, stack, doing, statement, trace }: CheckoutReport): string {
  const from = stack.slice(1, 3).map((line) => `, from ${lineOf(line)}`);
  return [
    `${seconds(ageMs)} so far, taken at ${site === undefined ? "a line that is not known" : lineOf(site)}${from.join("")}`,
    doing === "unknown" ? "" : `; ${doing}`,
    statement === undefined ? "" : `; last: ${statement}`,
    trace === undefined ? "" : `; for ${trace}`,
  ].join("");
}

const lineOf = ({ file, line, functionName }: CallSite): string =>
  `${functionName === "" ? "" : `${functionName} (`}${file}:${line}${functionName === "" ? "" : ")"}`;

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
const milliseconds = (ms: number): string => `${ms.toFixed(1)} ms`;
