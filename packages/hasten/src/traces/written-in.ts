/**
 * The function that a line is written in, read from the source: a callback has no name, and once it is
 * behind an `await` whose promise nobody awaits by name, none is on its stack.
 *
 * Invariants:
 * - Goes by indentation, from the line outwards: right for what a formatter has laid out, "" elsewhere.
 * - A name is that of a function, never that of a variable which holds what a call gave.
 */
import type { CallSite } from "../core/trace/index.ts";
import { readSource } from "./code-frame.ts";
import { pathOf } from "./site.ts";

const LINES_MAX = 2_000;
const REMEMBERED_MAX = 1_000;

/** A function is what follows: `async (a, b) =>`, `a =>`, `function`, or parameters that go on below. */
const MADE = String.raw`(?:async\s*)?(?:function\b|<|\([^()]*(?:\([^()]*\)[^()]*)*\)\s*(?::[^=]*)?=>|\w+\s*=>)|async\s*\(\s*$`;
const HEADERS: readonly RegExp[] = [
  /\bfunction\s*\*?\s*(\w+)\s*[(<]/,
  new RegExp(String.raw`\b(?:const|let|var)\s+(\w+)(?:\s*:.*?)?\s*=\s*(?:${MADE}|$)`),
  new RegExp(String.raw`^\s*["']?(\w+)["']?\s*:\s*(?:${MADE})`),
  new RegExp(String.raw`^[\w.]*\.(\w+)\s*=\s*(?:${MADE})`),
  /^\s*(?:(?:public|private|protected|static|override|readonly|get|set|async)\s+)*\*?\s*(#?\w+)\s*(?:<[^>]*>)?\((?!.*=>\s*\{?$)(?!.*\bfunction\b).*\{$/,
  /^\s*(?:(?:public|private|protected|static|override)\s+)*async\s+\*?\s*(#?\w+)\s*(?:<[^>]*>)?\($/,
];
const WORDS: ReadonlySet<string> = new Set(
  "if for while switch catch with return await new else do try function super".split(" "),
);

/** The name of the innermost function with one around `line` (from 1); "" where none is seen. */
export function writtenIn(text: string, line: number): string {
  const lines = text.split(/\r?\n/, line);
  if (line < 1 || lines.length < line) return "";
  let within = indentOf(lines[line - 1]!) + 1;
  const last = Math.max(0, line - LINES_MAX);
  for (let at = line - 1; at >= last && within > 0; at--) {
    const shown = lines[at]!;
    if (shown.trim() === "" || indentOf(shown) >= within) continue;
    const name = nameIn(shown.trimEnd());
    if (name !== "") return name;
    // `): Promise<void> {`: its function begins above, as far in.
    within = indentOf(shown) + (/^\s*[)\]}]/.test(shown) ? 1 : 0);
  }
  return "";
}

const indentOf = (line: string): number => line.length - line.trimStart().length;

function nameIn(line: string): string {
  for (const header of HEADERS) {
    const name = header.exec(line)?.[1];
    if (name !== undefined && !WORDS.has(name)) return name;
  }
  return "";
}

const known = new Map<string, string>();

/** {@link writtenIn} of a site's file; "" where that cannot be read. */
export function functionWrittenAt({ file, line }: CallSite): string {
  const place = `${file}:${line}`;
  const remembered = known.get(place);
  if (remembered !== undefined) return remembered;
  const text = readSource(pathOf(file));
  const name = text === undefined ? "" : writtenIn(text, line);
  if (known.size >= REMEMBERED_MAX) known.clear();
  known.set(place, name);
  return name;
}
