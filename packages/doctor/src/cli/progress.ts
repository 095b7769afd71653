import { oneLine } from "../report/format.ts";
import type { OnProgress, Progress } from "../target/types.ts";
import type { Output } from "./contract.ts";

/** A line is rewritten at most so often. */
const EVERY_MS = 80;
const COLUMNS = 78;
const CLEAR_LINE = "\r\u001b[K";

export interface ProgressLine {
  readonly onProgress: OnProgress;
  /** Takes the line away. */
  readonly end: () => void;
}

/** On a terminal one line that is rewritten; elsewhere a line for each step. */
export function progressLine(output: Output, now: () => number = Date.now): ProgressLine {
  const rewritable = output.rewritable ?? false;
  let last: string | undefined;
  let shownAtMs = Number.NEGATIVE_INFINITY;
  let dirty = false;
  const onProgress = (progress: Progress): void => {
    const step = stepOf(progress);
    if (!rewritable) {
      if (step !== last) output.err(`${step} …\n`);
      last = step;
      return;
    }
    if (step === last && now() - shownAtMs < EVERY_MS) return;
    last = step;
    shownAtMs = now();
    dirty = true;
    output.err(`${CLEAR_LINE}${textOf(progress).slice(0, COLUMNS)}`);
  };
  const end = (): void => {
    if (dirty) output.err(CLEAR_LINE);
    dirty = false;
  };
  return { onProgress, end };
}

function textOf(progress: Progress): string {
  const { done, total } = progress;
  const step = stepOf(progress);
  const counted = done === undefined ? "" : total === undefined ? ` ${done}` : ` ${done}/${total}`;
  return `${step}${counted} …`;
}

function stepOf({ step }: Progress): string {
  const text = oneLine(step);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
