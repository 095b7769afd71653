/**
 * Told of each statement while the code that asks for it runs, and again when it ended. Costs one read
 * of a number where nobody listens.
 */
import type { QueryRecord } from "./query-record.ts";

/** How a statement ended, beside its record. */
export interface StatementEnd {
  /** The database's name. */
  readonly database: string;
  /** What it failed with. */
  readonly error: unknown;
}

/** Must not throw. */
export interface StatementHook {
  /** Called synchronously from the public call. What it returns is given back at the end. */
  called(record: QueryRecord): unknown;
  ended(begun: unknown, record: QueryRecord, end: StatementEnd): void;
}

let hooks: readonly StatementHook[] = [];

/** Also statements outside any trace are told. @returns how to end it */
export function onStatement(hook: StatementHook): () => void {
  hooks = [...hooks, hook];
  return () => {
    hooks = hooks.filter((one) => one !== hook);
  };
}

export const hasStatementHooks = (): boolean => hooks.length > 0;

type Begun = readonly (readonly [StatementHook, unknown])[];

export function tellCalled(record: QueryRecord): void {
  if (hooks.length > 0) record.begun = hooks.map((hook) => [hook, hook.called(record)] as const);
}

export function tellEnded(record: QueryRecord, end: StatementEnd): void {
  if (record.begun === undefined) return;
  for (const [hook, begun] of record.begun as Begun) hook.ended(begun, record, end);
  record.begun = undefined;
}
