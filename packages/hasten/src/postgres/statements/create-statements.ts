/**
 * Analyses statements' texts: what each reads, writes, or does to its connection.
 *
 * Invariants:
 * - Fails closed: what is not parsed, not known or not found is opaque, with the reason.
 * - A text is parsed once; its analysis is used while everything it was made from holds, and is
 *   stored only if nothing changed while it was made.
 * - What a read depends on is in `interest` before its analysis is given to anybody.
 */
import { createPoll } from "../catalog/poll.ts";
import { Registry, type RegistryOptions } from "../catalog/registry.ts";
import { analyseText, type Outcome } from "./analyse-text.ts";
import type { Analysis, Analyzer, OpaqueAnalysis, SessionFacts } from "./analysis.ts";
import type { Interest } from "./interest.ts";
import { Memo } from "./memo.ts";
import { loadParser, type ParseText } from "./parser.ts";
import { Remembered } from "./remembered.ts";

export interface Statements {
  readonly analyzer: Analyzer;
  readonly interest: Interest;
  /** Looks whether the catalog still is what analyses were made from. Gives the tags to drop. */
  poll(): Promise<readonly string[]>;
}

const SESSIONS_MAX = 64;
const TEXT_LENGTH_MAX = 64 * 1024;
const ATTEMPTS_MAX = 3;

const TOO_LONG: OpaqueAnalysis = {
  kind: "opaque",
  because: "a text of more than 64 KiB",
  mayWrite: true,
  stateful: false,
};

export interface StatementsOptions extends RegistryOptions {
  /** @default PostgreSQL's own, of the peer `libpg-query` */
  readonly parser?: (() => Promise<ParseText>) | undefined;
}

/** One for each database; the run's connection is a plain one that nobody else changes. */
export function createStatements(options: StatementsOptions): Statements {
  const parser = options.parser ?? loadParser;
  const registry = new Registry(options);
  const sessions = new Memo<Remembered>(SESSIONS_MAX);
  const pending = new Map<string, Promise<Analysis>>();
  let last: { readonly session: SessionFacts; readonly memo: Remembered } | undefined;

  const memoOf = (session: SessionFacts): Remembered => {
    const { searchPath, role } = session;
    if (last?.session.searchPath === searchPath && last.session.role === role) return last.memo;
    const key = JSON.stringify([searchPath, role]);
    const memo = sessions.get(key) ?? new Remembered();
    sessions.set(key, memo);
    last = { session: { searchPath, role }, memo };
    return memo;
  };
  const forget = (): void => {
    sessions.clear();
    last = undefined;
  };
  const attempt = async (text: string, session: SessionFacts): Promise<Analysis> => {
    for (let tries = 1; ; tries++) {
      const { epoch } = registry;
      const outcome: Outcome = await analyseText(text, session, { registry, parser });
      const { analysis, lasting } = outcome;
      if (epoch === registry.epoch) {
        outcome.register();
        if (lasting) memoOf(session).set(text, outcome);
        return analysis;
      }
      if (tries === ATTEMPTS_MAX) return changing(analysis);
    }
  };
  return {
    interest: registry.interest,
    poll: createPoll(registry, forget),
    analyzer: {
      peek: (text, session) => memoOf(session).get(text),
      async analyse(text, session) {
        const known = memoOf(session).get(text);
        if (known !== undefined) return known;
        if (text.length > TEXT_LENGTH_MAX) return TOO_LONG;
        const key = JSON.stringify([session.searchPath, session.role, text]);
        let work = pending.get(key);
        if (work === undefined) {
          work = attempt(text, session);
          pending.set(key, work);
          void work.finally(() => pending.delete(key));
        }
        return work;
      },
    },
  };
}

function changing(analysis: Analysis): Analysis {
  if (analysis.kind !== "read") return analysis;
  return {
    kind: "opaque",
    because: "the schema kept changing while it was analysed",
    mayWrite: false,
    stateful: false,
    passing: true,
  };
}
