/** What is kept between two runs of a program, as JSON. It holds normalised statements and numbers. */
import { optionInvalid } from "../errors.ts";
import { Baseline } from "./baseline.ts";

const VERSION = 1;
const NUMBERS = new Baseline().numbers.length;
const STATEMENT_CHARS_MAX = 4_000;

export interface SavedHistory {
  readonly version: 1;
  readonly windowMs: number;
  readonly statements: readonly SavedStatement[];
}

export interface SavedStatement {
  readonly statement: string;
  readonly database: string;
  /** Non-zero numbers of the baseline, by position. */
  readonly baseline: readonly (readonly [at: number, value: number])[];
}

export function savedStatement(
  { statement, database }: { readonly statement: string; readonly database: string },
  baseline: Baseline,
): SavedStatement {
  const numbers: [number, number][] = [];
  baseline.numbers.forEach((value, at) => {
    if (value !== 0) numbers.push([at, Number(value.toPrecision(6))]);
  });
  return { statement, database, baseline: numbers };
}

export function savedHistory(
  windowMs: number,
  statements: readonly SavedStatement[],
): SavedHistory {
  return { version: VERSION, windowMs, statements };
}

/**
 * Reads what `save()` gave, from a file or table.
 * @throws HST_PG_OPTION for anything else: a baseline that was guessed would raise false alarms
 */
export function readSaved(given: unknown, windowMs: number): readonly SavedStatement[] {
  const { version, windowMs: kept, statements } = (given ?? {}) as Partial<SavedHistory>;
  if (version !== VERSION || !Array.isArray(statements))
    throw optionInvalid("saved", `what save() of this version gave (version ${VERSION})`, given);
  if (kept !== windowMs) throw optionInvalid("windowMs", `${kept}, as it was saved with`, windowMs);
  return statements.filter(isStatement);
}

function isStatement(one: unknown): one is SavedStatement {
  const { statement, database, baseline } = (one ?? {}) as Partial<SavedStatement>;
  return (
    typeof statement === "string" &&
    statement.length <= STATEMENT_CHARS_MAX &&
    typeof database === "string" &&
    Array.isArray(baseline) &&
    baseline.every(isNumber)
  );
}

function isNumber(pair: unknown): boolean {
  if (!Array.isArray(pair)) return false;
  const [at, value] = pair as unknown[];
  const inside = Number.isInteger(at) && (at as number) >= 0 && (at as number) < NUMBERS;
  return inside && Number.isFinite(value) && (value as number) >= 0;
}

export function restoredBaseline({ baseline }: SavedStatement): Baseline {
  const restored = new Baseline();
  for (const [at, value] of baseline) restored.numbers[at] = value;
  return restored;
}
