/** Runs the handlers, each in a trace of its own, and compares what is found with what was said. */
import { channels } from "../../../src/core/channels.ts";
import { captureSites } from "../../../src/traces/capture-sites.ts";
import {
  findIn,
  type Thresholds,
  type TraceEnded,
  type TraceFinding,
  traced,
} from "../../../src/traces/index.ts";
import { fileOf } from "../../../src/traces/site.ts";
import { functionWrittenAt } from "../../../src/traces/written-in.ts";
import type { Handler, Handlers, Library, Problem } from "./handler.ts";

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
export async function verdictsOf(
  all: readonly Handlers[],
  thresholds: Thresholds,
  find: Find = findIn,
): Promise<readonly Verdict[]> {
  const release = captureSites({ from: 1, max: SITES });
  try {
    const verdicts: Verdict[] = [];
    for (const { library, handlers } of all)
      for (const handler of handlers)
        verdicts.push(verdictOf(library, handler, await findingsOf(handler, thresholds, find)));
    return verdicts;
  } finally {
    release();
  }
}

let runs = 0;

async function findingsOf(
  handler: Handler,
  thresholds: Thresholds,
  find: Find,
): Promise<readonly TraceFinding[]> {
  const { kind = "request", times = 1 } = handler;
  const findings: TraceFinding[] = [];
  for (let turn = 0; turn < times; turn++) {
    const name = `corpus ${++runs}`;
    const ended = (message: unknown): void => {
      const trace = message as TraceEnded;
      if (trace.name !== name || trace.queries === undefined) return;
      findings.push(
        ...find(trace.queries, thresholds, {
          name,
          kind,
          root: import.meta.dirname,
          functionAt: functionWrittenAt,
        }),
      );
    };
    channels.traceEnded.subscribe(ended);
    try {
      await traced(name, handler.run, { kind });
    } finally {
      channels.traceEnded.unsubscribe(ended);
    }
  }
  return findings;
}

function verdictOf(library: Library, handler: Handler, findings: readonly TraceFinding[]): Verdict {
  const left = [...findings];
  const matches = handler.problems.map((problem): Match => {
    const place = left.findIndex(({ kind }) => kind === problem.kind);
    if (place < 0) return { problem, finding: undefined, placed: false };
    const [finding] = left.splice(place, 1);
    return { problem, finding, placed: problem.at.includes(placeOf(finding!)) };
  });
  const tolerated = new Set(handler.problems.flatMap(({ also = [] }) => also));
  return { library, handler, matches, surplus: left.filter(({ kind }) => !tolerated.has(kind)) };
}

/** `pg/orders.ts#listOrders`; of a method its own name. */
export function placeOf({ site }: TraceFinding): string {
  if (site === undefined) return "nowhere";
  const name = site.functionName.slice(site.functionName.lastIndexOf(".") + 1);
  return `${fileOf(site, import.meta.dirname)}#${name}`;
}
