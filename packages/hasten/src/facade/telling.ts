/**
 * Says in one line what is promised, at the start and when that has changed.
 *
 * Invariants:
 * - Nothing is told twice in a row, and what passes within a moment is not told.
 * - What was told last is how it is, or is corrected within RECHECK_MS: who looks at the log later sees the
 *   present state. An event may come from one part while the other is between two states.
 * - No timer keeps the process alive; after `stop` there is none.
 */
import type { SharedStatus } from "../cache/index.ts";
import type { Clock, Timer } from "../core/clock.ts";
import type { CoherenceStatus } from "../postgres/index.ts";
import { promiseLine } from "./promise-line.ts";

export interface Standing {
  readonly status: CoherenceStatus;
  readonly shared: SharedStatus | undefined;
}

export interface Telling {
  /** Something has changed. */
  tell(): void;
  stop(): void;
}

const RECHECK_MS = 1_000;

export function createTelling(
  look: () => Standing,
  say: (line: string) => void,
  clock: Clock,
): Telling {
  let line = "";
  let told: Standing | undefined;
  let timer: Timer | undefined;
  let stopped = false;

  const tellIt = (lasting: boolean): void => {
    if (stopped) return;
    const now = look();
    if (!isSettled(now)) timer ??= clock.schedule(RECHECK_MS, recheck);
    if (passes(now, told, lasting)) return;
    const next = promiseLine(now.status, now.shared);
    told = now;
    if (next === line) return;
    line = next;
    say(line);
  };
  /** Only another state: why it lasts may change each time it is asked. */
  const recheck = (): void => {
    timer = undefined;
    const now = look();
    if (told === undefined || kindOf(now) !== kindOf(told)) tellIt(true);
    else if (!stopped && !isSettled(now)) timer = clock.schedule(RECHECK_MS, recheck);
  };
  return {
    tell: () => tellIt(false),
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}

function isSettled({ status, shared }: Standing): boolean {
  return status.state === "live" && (shared === undefined || shared.state === "ready");
}

const kindOf = ({ status, shared }: Standing): string =>
  `${status.state} ${status.promise} ${shared?.state}`;

/** Being late passes, and so does a moment without an answer, or while Redis is looked at again. */
function passes(
  { status, shared }: Standing,
  told: Standing | undefined,
  lasting: boolean,
): boolean {
  if (status.state === "late" || status.state === "closed") return true;
  if (told === undefined || shared === undefined || lasting) return false;
  if (shared.state === "connecting") return told.shared?.state !== "connecting";
  return shared.state === "suspect";
}
