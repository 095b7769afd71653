/** Runs the handlers, each in a trace of its own, and compares what is found with what was said. */
import { channels } from "../../../src/core/channels.ts";
import { captureSites } from "../../../src/traces/capture-sites.ts";
import {
  findIn,
  type QueryLog,
  type Thresholds,
  type TraceEnded,
  type TraceFinding,
  traced,
} from "../../../src/traces/index.ts";
import { fileOf } from "../../../src/traces/site.ts";
import { functionWrittenAt } from "../../../src/traces/written-in.ts";
import type { Handler, Handlers, Library, Problem } from "./handler.ts";

/** What a handler asked: a log for each of its requests. */
export interface Ran {
  readonly library: Library;
  readonly handler: Handler;
  readonly logs: readonly QueryLog[];
}

export interface Match {
  readonly problem: Problem;
  readonly finding: TraceFinding | undefined;
  /** File and function are among those that the reviewer named. */
  readonly placed: boolean;
}

export interface Verdict {
  readonly library: Library;
  readonly handler: Handler;
  readonly matches: readonly Match[];
  /** Told, and nobody said so. */
  readonly surplus: readonly TraceFinding[];
}

export type Find = typeof findIn;

/** As in development and in tests. */
const SITES = 5;

/** All handlers, in turn: how long one waits must not depend on another. */
export async function run(all: readonly Handlers[]): Promise<readonly Ran[]> {
  const release = captureSites({ from: 1, max: SITES });
  try {
    const ran: Ran[] = [];
    for (const { library, handlers } of all)
      for (const handler of handlers) ran.push({ library, handler, logs: await logsOf(handler) });
    return ran;
  } finally {
    release();
  }
}

/** What the rule about waiting takes for work of the program. */
const HELD_UP_MS = 5;
const ATTEMPTS_MAX = 3;
let runs = 0;

/**
 * A busy machine holds a process up between two statements, and that looks like work which needs an
 * answer. Where that matters the handler runs again, whatever would be found.
 */
async function logsOf(handler: Handler): Promise<readonly QueryLog[]> {
  const isTimed = handler.problems.some(({ kind }) => kind === "serial");
  for (let attempt = 1; ; attempt++) {
    const logs = await logsOnce(handler);
    if (!isTimed || attempt === ATTEMPTS_MAX || !logs.some(wasHeldUp)) return logs;
  }
}

const wasHeldUp = ({ records }: QueryLog): boolean =>
  records.some(
    (record, at) => record.calledMs - (records[at - 1]?.endedMs ?? record.calledMs) > HELD_UP_MS,
  );

async function logsOnce({ run: work, kind = "request", times = 1 }: Handler): Promise<QueryLog[]> {
  const logs: QueryLog[] = [];
  for (let turn = 0; turn < times; turn++) {
    const name = `corpus ${++runs}`;
    const ended = (message: unknown): void => {
      const trace = message as TraceEnded;
      if (trace.name === name && trace.queries !== undefined) logs.push(trace.queries);
    };
    channels.traceEnded.subscribe(ended);
    try {
      await traced(name, work, { kind });
    } finally {
      channels.traceEnded.unsubscribe(ended);
    }
  }
  return logs;
}

export function judge(
  ran: readonly Ran[],
  thresholds: Thresholds,
  find: Find = findIn,
): readonly Verdict[] {
  const root = import.meta.dirname;
  return ran.map(({ library, handler, logs }) => {
    const { name, kind = "request" } = handler;
    const context = { name, kind, root, functionAt: functionWrittenAt };
    return verdictOf(
      library,
      handler,
      logs.flatMap((log) => find(log, thresholds, context)),
    );
  });
}

function verdictOf(library: Library, handler: Handler, findings: readonly TraceFinding[]): Verdict {
  const left = [...findings];
  const matches = handler.problems.map((problem): Match => {
    const place = left.findIndex(({ kind }) => kind === problem.kind);
    if (place < 0) return { problem, finding: undefined, placed: false };
    const [finding] = left.splice(place, 1);
    return { problem, finding, placed: problem.at.includes(placeOf(finding!)) };
  });
  return { library, handler, matches, surplus: left };
}

/** `pg/orders.ts#listOrders`; of a method its own name. */
export function placeOf({ site }: TraceFinding): string {
  if (site === undefined) return "nowhere";
  const name = site.functionName.slice(site.functionName.lastIndexOf(".") + 1);
  return `${fileOf(site, import.meta.dirname)}#${name}`;
}
