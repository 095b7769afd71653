import { normalise } from "hasten/postgres";
import type { Parser } from "../parse/parse.ts";
import { kindOf } from "./kind.ts";
import type { Counters, SnapshotEntry } from "./snapshot.ts";
import { withoutComments } from "./split.ts";
import { STATEMENTS_MAX, type WorkStatement } from "./types.ts";

/** One statement with its counters, over all users, top level and nested. */
export interface Merged extends Counters {
  readonly queryId: string;
  /** Of its time, what was not spent within another statement that is counted too. */
  readonly topMs: number;
}

/** What became of the statements whose texts were read. */
export interface Selection {
  readonly statements: readonly WorkStatement[];
  readonly shareSeen: number;
  readonly unreadable: number;
  readonly utilities: { readonly count: number; readonly totalMs: number };
  readonly nested: boolean;
}

const SHARE_KEPT = 0.95;
/** The slowest, the most frequent and those with the most blocks read are kept in any case. */
export const TOP = 20;

/** Entries of several users, and of the top level and below, become one. */
export function merge(entries: readonly SnapshotEntry[]): readonly Merged[] {
  const merged = new Map<string, Merged>();
  for (const entry of entries) {
    const { userId: _user, since: _since, topLevel, ...counters } = entry;
    const topMs = topLevel ? entry.totalMs : 0;
    const old = merged.get(entry.queryId);
    merged.set(
      entry.queryId,
      old === undefined ? { ...counters, topMs } : sum(old, counters, topMs),
    );
  }
  return [...merged.values()].sort(by((it) => it.totalMs));
}

function sum(a: Merged, b: Counters, topMs: number): Merged {
  return {
    queryId: a.queryId,
    topMs: a.topMs + topMs,
    calls: a.calls + b.calls,
    totalMs: a.totalMs + b.totalMs,
    maxMs: a.maxMs === undefined || b.maxMs === undefined ? undefined : Math.max(a.maxMs, b.maxMs),
    rows: a.rows + b.rows,
    blocksHit: a.blocksHit + b.blocksHit,
    blocksRead: a.blocksRead + b.blocksRead,
    tempBlocksWritten: a.tempBlocksWritten + b.tempBlocksWritten,
    walBytes: a.walBytes + b.walBytes,
  };
}

/** Whose texts are worth reading: those with the most time, and the candidates of the top lists. */
export function worthReading(merged: readonly Merged[], most: number): ReadonlySet<string> {
  const spare = Math.floor(most / 8);
  const lists = [
    ...RANKS.map((rank) => merged.toSorted(by(rank)).slice(0, spare)),
    merged.slice(0, most - RANKS.length * spare),
  ];
  return new Set(lists.flatMap((list) => list.map(({ queryId }) => queryId)));
}

const mean = (it: Counters): number => it.totalMs / Math.max(1, it.calls);
const RANKS = [mean, (it: Counters): number => it.calls, (it: Counters): number => it.blocksRead];

const by =
  <Item>(rank: (item: Item) => number) =>
  (a: Item, b: Item): number =>
    rank(b) - rank(a);

export interface Heard {
  readonly merged: readonly Merged[];
  /** By queryid; undefined where the server lost or hides it. */
  readonly texts: ReadonlyMap<string, string | undefined>;
  /** Entries of other roles, of which not even the queryid is known. */
  readonly hidden: { readonly entries: number; readonly totalMs: number };
}

/** Leaves out utility and system statements, cuts to 95 % of the time and {@link STATEMENTS_MAX}. */
export function select(heard: Heard, parser: Parser): Selection {
  const work: { statement: Merged; text: string; planText: string }[] = [];
  let unreadable = heard.hidden.entries;
  let wholeMs = heard.hidden.totalMs;
  const utilities = { count: 0, totalMs: 0 };
  for (const statement of heard.merged) {
    const text = heard.texts.get(statement.queryId);
    const read = text === undefined ? undefined : readText(text, parser);
    if (read === "system") continue;
    if (read === "utility") {
      utilities.count += 1;
      utilities.totalMs += statement.totalMs;
      continue;
    }
    wholeMs += statement.totalMs;
    if (read === undefined) unreadable += heard.texts.has(statement.queryId) ? 1 : 0;
    else work.push({ statement, ...read });
  }
  const kept = cut(
    work.map((it) => it.statement),
    wholeMs,
  );
  const statements = work
    .filter((it) => kept.has(it.statement.queryId))
    .map(({ statement, ...texts }) => workOf(statement, texts, wholeMs));
  return {
    statements,
    shareSeen:
      wholeMs === 0
        ? 1
        : Math.min(
            1,
            statements.reduce((all, it) => all + it.share, 0),
          ),
    unreadable,
    utilities,
    nested: heard.merged.some((it) => it.topMs < it.totalMs),
  };
}

/**
 * The server's text may hold constants (of an entry thrown out while it ran) and comments: neither
 * goes on from here.
 */
function readText(
  text: string,
  parser: Parser,
): { text: string; planText: string } | "system" | "utility" | undefined {
  const [statement, second] = parser.parse(text) ?? [];
  if (statement === undefined || second !== undefined) return undefined;
  const kind = kindOf(statement.tree);
  if (kind !== "work") return kind;
  const planText = parser.withoutConstants(withoutComments(statement.text));
  return planText === undefined ? undefined : { text: normalise(statement.text), planText };
}

/** In order of time. */
function cut(work: readonly Merged[], wholeMs: number): ReadonlySet<string> {
  const kept = new Set(
    RANKS.flatMap((rank) =>
      work
        .toSorted(by(rank))
        .slice(0, TOP)
        .filter((it) => rank(it) > 0)
        .map(({ queryId }) => queryId),
    ),
  );
  let seen = work.reduce((all, it) => all + (kept.has(it.queryId) ? it.totalMs : 0), 0);
  for (const { queryId, totalMs } of work) {
    if (kept.size >= STATEMENTS_MAX || seen >= SHARE_KEPT * wholeMs) break;
    if (kept.has(queryId)) continue;
    kept.add(queryId);
    seen += totalMs;
  }
  return kept;
}

function workOf(
  statement: Merged,
  texts: { text: string; planText: string },
  wholeMs: number,
): WorkStatement {
  const { queryId, topMs: _top, ...counters } = statement;
  return {
    id: queryId,
    ...texts,
    ...counters,
    meanMs: mean(counters),
    share: wholeMs === 0 ? 0 : counters.totalMs / wholeMs,
  };
}
