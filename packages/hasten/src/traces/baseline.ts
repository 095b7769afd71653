/**
 * Findings that are known and accepted, in a file that is kept with the source.
 *
 * Invariants:
 * - No line numbers: an edit elsewhere in a file changes nothing.
 * - Sorted, one to a line, so that it merges like source.
 * - Written by renaming a finished file: a reader never sees a half.
 */
import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { traceError } from "./errors.ts";
import type { FindingKind, TraceFinding } from "./finding.ts";
import { keyOf } from "./site.ts";

const VERSION = 1;
const ENTRIES_MAX = 10_000;

/** One line of the file. */
interface Entry {
  readonly kind: FindingKind;
  readonly file: string;
  readonly function: string;
  readonly statement: string;
}

/** Keys of the findings that a baseline accepts. */
export type Baseline = ReadonlySet<string>;

/**
 * Reads it; a file that is not there accepts nothing.
 * @throws HST_TRACE_BASELINE for one that is no baseline
 */
export function readBaseline(path: string): Baseline {
  return new Set(entriesIn(path).map(keyOfEntry));
}

/** Adds these findings to the file, and makes it where there is none. Gives the number of its entries. */
export function addToBaseline(
  path: string,
  findings: readonly Pick<TraceFinding, "key">[],
): number {
  const entries = new Map(entriesIn(path).map((entry) => [keyOfEntry(entry), entry]));
  for (const { key } of findings) entries.set(key, entryOf(key));
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  if (sorted.length > ENTRIES_MAX) throw baselineInvalid(`has more than ${ENTRIES_MAX} entries`);
  const lines = sorted.map((entry) => `    ${JSON.stringify(entry)}`).join(",\n");
  const text = `{\n  "version": ${VERSION},\n  "findings": [${lines === "" ? "" : `\n${lines}\n  `}]\n}\n`;
  const made = `${path}.${randomUUID()}`;
  writeFileSync(made, text);
  renameSync(made, path);
  return sorted.length;
}

const keyOfEntry = ({ kind, file, statement, function: functionName }: Entry): string =>
  keyOf({ kind, file, functionName, statement });

function entryOf(key: string): Entry {
  const [kind, file, functionName, statement] = JSON.parse(key) as [
    FindingKind,
    string,
    string,
    string,
  ];
  return { kind, file, function: functionName, statement };
}

function entriesIn(path: string): readonly Entry[] {
  const text = textOf(path);
  if (text === undefined) return [];
  let found: { version?: unknown; findings?: unknown };
  try {
    found = JSON.parse(text) as typeof found;
  } catch {
    throw baselineInvalid("is no JSON");
  }
  if (found?.version !== VERSION || !Array.isArray(found.findings))
    throw baselineInvalid(`has no version ${VERSION} and no list of findings`);
  return (found.findings as unknown[]).filter(isEntry);
}

function isEntry(value: unknown): value is Entry {
  const { kind, file, statement, function: name } = (value ?? {}) as Record<keyof Entry, unknown>;
  return [kind, file, statement, name].every((part) => typeof part === "string");
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

const baselineInvalid = (what: string): Error =>
  traceError("HST_TRACE_BASELINE", `The baseline ${what}.`, "Delete the file and write it anew.");
