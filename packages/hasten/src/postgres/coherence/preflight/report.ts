import type { CoherencePromise } from "../../../core/trust.ts";
import { PROMISES } from "../choice.ts";
import type { Finding } from "./finding.ts";
import type { Preflight } from "./preflight.ts";

const MEANS: Readonly<Record<CoherencePromise, string>> = {
  stream: "every committed change, whoever wrote it, through the write-ahead log",
  triggers: "every committed change of tables with triggers, through the change log",
  "own-writes": "what this process writes; changes by others only by the time to live",
  ttl: "nothing but the time to live",
};

/** In ASCII, for a terminal and for a log. */
const SIGNS: Readonly<Record<Finding["severity"], string>> = {
  blocks: "x",
  narrows: "!",
  advises: "-",
};

/** Leaves out what only stops modes that a better one makes unnecessary. */
export function relevant(
  findings: readonly Finding[],
  promise: CoherencePromise | undefined,
): readonly Finding[] {
  const rank = promise === undefined ? PROMISES.length : PROMISES.indexOf(promise);
  return findings.filter(({ id, stops }) => {
    if (id === "tables-untriggered") return promise === "triggers";
    return stops.length === 0 || stops.some((stopped) => PROMISES.indexOf(stopped) < rank);
  });
}

function room(promise: CoherencePromise | undefined, processes: number | undefined): string {
  if (promise !== "stream") return "";
  return `; ${processes} more ${processes === 1 ? "process" : "processes"} can stream`;
}

const LINES_MAX = 12;

/** What a person reads. */
export function report({ promise, findings, server, processes }: Preflight): string {
  const lines: string[] = [];
  if (promise === undefined) lines.push("hasten could not look at the server.");
  else lines.push(`hasten can promise here: ${promise} (${MEANS[promise]})`);
  if (server !== undefined)
    lines.push(
      `PostgreSQL ${server.version}, database ${server.database}, role ${server.role}${room(promise, processes)}`,
    );
  for (const finding of relevant(findings, promise)) {
    lines.push("", `${SIGNS[finding.severity]} ${finding.id}: ${finding.says}`, `  ${finding.fix}`);
    for (const sql of cut(finding.sql)) lines.push(`    ${sql}`);
  }
  if (promise === "stream" && relevant(findings, promise).length === 0)
    lines.push("", "Nothing to do.");
  return `${lines.join("\n")}\n`;
}

function cut(statements: readonly string[]): readonly string[] {
  const shown = statements.slice(0, LINES_MAX).map((it) => `${it};`);
  const left = statements.length - shown.length;
  return left === 0 ? shown : [...shown, `-- and ${left} more; --json has them all`];
}
