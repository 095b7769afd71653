/** The lines of a source file around one of them. Only for development: it reads the file. */
import { readFileSync, statSync } from "node:fs";
import type { CallSite } from "../core/trace/index.ts";
import { pathOf } from "./site.ts";

const AROUND = 2;
const FILE_BYTES_MAX = 2_097_152;
const LINE_CHARS_MAX = 160;

/** Makes text stand out; the identity where colours are not wanted. */
export interface Paint {
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

const painted =
  (open: number, close: number): ((text: string) => string) =>
  (text) =>
    `\u001b[${open}m${text}\u001b[${close}m`;

export const COLOURS: Paint = {
  bad: painted(31, 39),
  dim: painted(2, 22),
  bold: painted(1, 22),
};
const same = (text: string): string => text;
export const PLAIN: Paint = { bad: same, dim: same, bold: same };

/** Colours on a terminal, unless NO_COLOR is set to anything but nothing. */
export function paintFor(
  stream: { readonly isTTY?: boolean | undefined },
  env: { readonly [name: string]: string | undefined },
): Paint {
  return stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" ? COLOURS : PLAIN;
}

/** Undefined where the file cannot be read, or is shorter than the line. */
export function codeFrame(site: CallSite, paint: Paint = PLAIN): string | undefined {
  const text = readSource(pathOf(site.file));
  return text === undefined ? undefined : frameOf(text, site, paint);
}

/** The lines around `line`, which is marked, with a caret below `column`. */
export function frameOf(
  text: string,
  { line, column }: Pick<CallSite, "line" | "column">,
  paint: Paint = PLAIN,
): string | undefined {
  const lines = text.split(/\r?\n/);
  if (line < 1 || line > lines.length) return undefined;
  const [from, to] = [Math.max(1, line - AROUND), Math.min(lines.length, line + AROUND)];
  const width = String(to).length;
  const shown: string[] = [];
  for (let number = from; number <= to; number++) {
    const source = lines[number - 1]!.replaceAll("\t", "  ").slice(0, LINE_CHARS_MAX);
    const gutter = `${String(number).padStart(width)} |`;
    if (number !== line) {
      shown.push(paint.dim(`  ${gutter} ${source}`.trimEnd()));
      continue;
    }
    shown.push(`${paint.bad(">")} ${gutter} ${source}`);
    const tabs = lines[number - 1]!.slice(0, column - 1).split("\t").length - 1;
    const before = column - 1 + tabs;
    if (column >= 1 && before <= source.length)
      shown.push(`  ${" ".repeat(width)} | ${" ".repeat(before)}${paint.bad("^")}`);
  }
  return shown.join("\n");
}

/** Undefined where it cannot be read, or is too large to be somebody's work. */
export function readSource(path: string): string | undefined {
  try {
    return statSync(path).size > FILE_BYTES_MAX ? undefined : readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
