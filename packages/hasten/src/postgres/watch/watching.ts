import { channels } from "../../core/channels.ts";
import type { Clock } from "../../core/clock.ts";
import { sequence } from "../../core/sequence.ts";
import { tell } from "../../core/tell.ts";
import type { ChangeSource } from "../coherence/source.ts";
import type { QueryEvent } from "../measure.ts";
import { normalise } from "../normalise.ts";
import type { Analyzer } from "../statements/analysis.ts";
import { Patience } from "./gate.ts";
import { type Identity, KnownServer } from "./identity.ts";
import type { Run } from "./run.ts";

/** `queued`: a write was not seen to come back in time. `broken`: a fault of hasten itself. */
export interface WatchEvent {
  readonly kind: "queued" | "broken";
  readonly detail: string;
}

/** What everything that is watched together shares. */
export interface Watching {
  readonly analyzer: () => Analyzer;
  readonly source: () => ChangeSource;
  readonly clock: Clock;
  readonly server: KnownServer;
  readonly patience: Patience;
  sequenceNow(): number;
  tell(event: WatchEvent): void;
  broken(error: unknown): void;
  ended(run: Run): void;
}

export interface WatchingOptions {
  readonly analyzer: () => Analyzer;
  readonly source: () => ChangeSource;
  readonly clock: Clock;
  readonly onEvent: ((event: WatchEvent) => void) | undefined;
  readonly identify: (() => Promise<Identity>) | undefined;
}

export function createWatching(options: WatchingOptions): Watching {
  const { analyzer, source, clock, onEvent, identify } = options;
  const report = (event: WatchEvent): void => tell(onEvent, event);
  return {
    analyzer,
    source,
    clock,
    server: new KnownServer(identify, clock),
    patience: new Patience(clock),
    sequenceNow: sequence.now,
    tell: report,
    broken: (error) => report({ kind: "broken", detail: String(error) }),
    ended({ trace, calledMs }) {
      if (trace === undefined) return;
      trace.statements += 1;
      trace.statementsMs += clock.nowMs() - calledMs;
    },
  };
}

/** Texts whose normalised form is remembered; all are forgotten when there are too many. */
const TEXTS_MAX = 1_000;
const names = new Map<string, string>();

export interface Published {
  readonly run: Run;
  readonly database: string;
  readonly durationMs: number;
}

export const isHeard = (): boolean => channels.postgresQuery.hasSubscribers;

/** Tells monitors of a statement; ask `isHeard` first. */
export function publish({ run, database, durationMs }: Published): void {
  const { text, completed, trace } = run;
  const rows = Number(/\d+$/.exec(completed)?.[0] ?? 0);
  let statement = names.get(text);
  if (statement === undefined) {
    statement = normalise(text);
    if (names.size >= TEXTS_MAX) names.clear();
    names.set(text, statement);
  }
  const ok = run.outcome === "answered";
  const recorded = trace !== undefined;
  const event: QueryEvent = { statement, durationMs, rows, ok, database, trace, recorded };
  channels.postgresQuery.publish(event);
}
