/**
 * Looks at PgBouncer's console again and again, and tells when clients wait.
 *
 * Invariants:
 * - One look at a time; the next is planned when one has ended. No timer keeps the process alive.
 * - Each state is told once, when it begins; a console that does not answer is a state of its own.
 */
import { type Clock, systemClock, type Timer } from "../../core/clock.ts";
import type { OptionNames } from "../../core/known-options.ts";
import { tell } from "../../core/tell.ts";
import { optionInvalid, refuseUnknown } from "../errors.ts";
import { parseUrl } from "../url.ts";
import type { ConsoleOptions } from "./admin.ts";
import { type PgBouncerStats, type PgBouncerTotals, pgbouncerStats } from "./stats.ts";

/** `waiting`: clients wait for a server connection. `calm`: none does any more. `unreachable`: nobody knows. */
export interface PgBouncerEvent {
  readonly kind: "waiting" | "calm" | "unreachable";
  /** Of the look that told; undefined where there was no answer. */
  readonly totals: PgBouncerTotals | undefined;
}

export interface PgBouncerWatchOptions extends ConsoleOptions {
  /** From one look's end to the next. @default 5_000. Bounds 100 to 3_600_000. */
  readonly everyMs?: number;
  /** Told when the state changes. Must not throw. */
  readonly onEvent?: ((alert: PgBouncerEvent) => void) | undefined;
  readonly clock?: Clock | undefined;
  /** What looks. @default pgbouncerStats */
  readonly look?: ((since: PgBouncerStats | undefined) => Promise<PgBouncerStats>) | undefined;
}

export interface PgBouncerWatch {
  /** The latest answer; its totals tell what happened since the one before. Undefined while there is none. */
  readonly latest: PgBouncerStats | undefined;
  /** Looks now, and resolves when the answer is there or none came. Never rejects. */
  check(): Promise<PgBouncerStats | undefined>;
  /** Looks no more. */
  close(): void;
}

const EVERY_MS = 5_000;

const NAMES: OptionNames<PgBouncerWatchOptions> = {
  ...{ adminUrl: true, timeoutMs: true, driver: true, everyMs: true, onEvent: true, clock: true },
  look: true,
};

/** @throws HST_PG_OPTION for a period out of bounds, a URL that is none, an option that there is not */
export function watchPgBouncer(options: PgBouncerWatchOptions): PgBouncerWatch {
  refuseUnknown("watchPgBouncer", options, NAMES);
  parseUrl(options.adminUrl);
  const { everyMs = EVERY_MS, onEvent, clock = systemClock } = options;
  if (!(everyMs >= 100 && everyMs <= 3_600_000))
    throw optionInvalid("everyMs", "from 100 to 3_600_000", everyMs);
  const { look = (since) => pgbouncerStats({ ...options, since }) } = options;
  let latest: PgBouncerStats | undefined;
  let before: PgBouncerStats | undefined;
  let kind: PgBouncerEvent["kind"] = "calm";
  let running: Promise<PgBouncerStats | undefined> | undefined;
  let timer: Timer | undefined;
  let stopped = false;
  const become = (next: PgBouncerEvent["kind"]): void => {
    if (kind === next || stopped) return;
    kind = next;
    tell(onEvent, { kind, totals: latest?.totals });
  };
  const once = async (): Promise<PgBouncerStats | undefined> => {
    try {
      latest = await look(before);
      before = latest;
      become(latest.totals.clientsWaiting > 0 ? "waiting" : "calm");
    } catch {
      latest = undefined;
      become("unreachable");
    }
    return latest;
  };
  const check = (): Promise<PgBouncerStats | undefined> => {
    running ??= once().finally(() => {
      running = undefined;
    });
    return running;
  };
  const plan = (): void => {
    timer = clock.schedule(everyMs, () => {
      void check().then(() => {
        if (!stopped) plan();
      });
    });
  };
  plan();
  return {
    get latest() {
      return latest;
    },
    check,
    close() {
      stopped = true;
      timer?.cancel();
    },
  };
}
