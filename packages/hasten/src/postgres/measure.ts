import { channels } from "../core/channels.ts";
import { createHistogram, type Histogram, type HistogramSnapshot } from "../core/histogram.ts";
import { tell } from "../core/tell.ts";
import { currentTrace, type Trace } from "../core/trace/index.ts";
import { normalise } from "./normalise.ts";

/** Payload of the channel `hasten:postgres:slow-query` and of `onSlowQuery`. Never holds a value. */
export interface SlowQuery {
  readonly kind: "statement" | "transaction";
  /** Normalised: literals and lists are replaced. */
  readonly statement: string;
  readonly durationMs: number;
  readonly rows: number;
  readonly ok: boolean;
  readonly database: string;
}

/** Payload of the channel `hasten:postgres:query`. */
export interface QueryEvent {
  readonly statement: string;
  readonly durationMs: number;
  readonly rows: number;
  readonly ok: boolean;
  readonly database: string;
  /** Whose it was. */
  readonly trace: Trace | undefined;
  /** Whether that trace has it among its `queries` (or counts it there, beyond their bound). */
  readonly recorded: boolean;
}

/** One normalised statement's numbers. */
export interface StatementStats extends HistogramSnapshot {
  readonly statement: string;
  readonly failed: number;
  readonly rows: number;
  readonly totalMs: number;
}

export interface QueryStats extends HistogramSnapshot {
  readonly failed: number;
  readonly slow: number;
  /** Share of cached queries answered without asking the server; 0 while none was asked. */
  readonly cacheHitRate: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly transactions: HistogramSnapshot & { readonly slow: number };
  /** By total time, largest first; at most statementsMax, then one "other". */
  readonly statements: readonly StatementStats[];
}

export interface Measure {
  /** One finished statement. */
  statement(text: string, durationMs: number, outcome: { rows: number; ok: boolean }): void;
  transaction(durationMs: number, ok: boolean): void;
  cached(hit: boolean): void;
  /** The normalised form, remembered. */
  nameOf(text: string): string;
  snapshot(): QueryStats;
}

export interface MeasureOptions {
  readonly statementsMax: number;
  readonly slowQueryMs: number;
  readonly slowTransactionMs: number;
  readonly database: string;
  readonly onSlowQuery: ((event: SlowQuery) => void) | undefined;
}

/** Texts whose normalised form is remembered; the oldest is forgotten first. */
const TEXTS_MAX = 1_000;
const TEXT_CHARS_MAX = 8_192;

interface Series {
  readonly statement: string;
  readonly times: Histogram;
  failed: number;
  rows: number;
}

const OTHER = "other";

/** Latency histograms per normalised statement, bounded by number. */
export function createMeasure(options: MeasureOptions): Measure {
  const all = createHistogram();
  const transactions = createHistogram();
  const series = new Map<string, Series>();
  const names = rememberNames();
  const counts = { failed: 0, slow: 0, slowTransactions: 0, hits: 0, misses: 0 };

  const seriesOf = (name: string): Series => {
    const wanted = series.has(name) || series.size < options.statementsMax ? name : OTHER;
    let found = series.get(wanted);
    if (found === undefined) {
      found = { statement: wanted, times: createHistogram(), failed: 0, rows: 0 };
      series.set(wanted, found);
    }
    return found;
  };
  const slow = (event: SlowQuery): void => {
    channels.slowQuery.publish(event);
    tell(options.onSlowQuery, event);
  };

  return {
    statement(text, durationMs, { rows, ok }) {
      const statement = names(text);
      const { database } = options;
      const entry = seriesOf(statement);
      all.record(durationMs);
      entry.times.record(durationMs);
      entry.rows += rows;
      if (!ok) {
        entry.failed++;
        counts.failed++;
      }
      if (channels.postgresQuery.hasSubscribers) {
        const trace = currentTrace();
        const recorded = trace !== undefined;
        const told = { statement, durationMs, rows, ok, database, trace, recorded };
        channels.postgresQuery.publish(told satisfies QueryEvent);
      }
      if (durationMs < options.slowQueryMs) return;
      counts.slow++;
      slow({ kind: "statement", statement, durationMs, rows, ok, database });
    },
    transaction(durationMs, ok) {
      transactions.record(durationMs);
      if (durationMs < options.slowTransactionMs) return;
      counts.slowTransactions++;
      const { database } = options;
      slow({ kind: "transaction", statement: "transaction", durationMs, rows: 0, ok, database });
    },
    cached(hit) {
      if (hit) counts.hits++;
      else counts.misses++;
    },
    nameOf: names,
    snapshot: () => ({
      ...all.snapshot(),
      failed: counts.failed,
      slow: counts.slow,
      cacheHits: counts.hits,
      cacheMisses: counts.misses,
      cacheHitRate: counts.hits === 0 ? 0 : counts.hits / (counts.hits + counts.misses),
      transactions: { ...transactions.snapshot(), slow: counts.slowTransactions },
      statements: [...series.values()].map(statsOf).sort((a, b) => b.totalMs - a.totalMs),
    }),
  };
}

function statsOf(entry: Series): StatementStats {
  const { statement, failed, rows, times } = entry;
  return { ...times.snapshot(), statement, failed, rows, totalMs: times.mean * times.count };
}

function rememberNames(): (text: string) => string {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined) return known;
    const name = normalise(text);
    if (text.length > TEXT_CHARS_MAX) return name;
    if (names.size >= TEXTS_MAX) names.delete(names.keys().next().value!);
    names.set(text, name);
    return name;
  };
}
