import { stripVTControlCharacters } from "node:util";

export type Ink = "bold" | "dim" | "red" | "yellow" | "green" | "blue";

/** Marks text, or leaves it as it is. */
export type Pen = (ink: Ink, text: string) => string;

const CODES: Readonly<Record<Ink, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
  blue: [34, 39],
};

export const penFor = (color: boolean): Pen =>
  color
    ? (ink, text) => `\u001b[${CODES[ink][0]}m${text}\u001b[${CODES[ink][1]}m`
    : (_ink, text) => text;

export const shownLength = (text: string): number => stripVTControlCharacters(text).length;

export const padEnd = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - shownLength(text)));

/** Not between a number and its unit. */
const BETWEEN_WORDS = /(?<!\d) | (?!(?:%|ms|s|min|h|days|B|kB|MB|GB|TB)(?![A-Za-z]))/;

/** Lines of at most `width`, broken between words; a longer word is left whole. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(BETWEEN_WORDS)) {
    if (line === "") line = word;
    else if (shownLength(line) + 1 + shownLength(word) <= width) line += ` ${word}`;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1)).trimEnd()}…`;

/** A sheet of known width: paragraphs are wrapped, SQL stands on one line so that it copies as one. */
export interface Sheet {
  readonly pen: Pen;
  readonly width: number;
  readonly color: boolean;
  line(text?: string): void;
  paragraph(text: string, indent: number): void;
  sql(text: string, indent: number): void;
  heading(text: string, aside?: string): void;
  text(): string;
}

export function openSheet(width: number, color: boolean): Sheet {
  const pen = penFor(color);
  const lines: string[] = [];
  const line = (text = ""): void => {
    if (text !== "" || lines.at(-1) !== "") lines.push(text.trimEnd());
  };
  return {
    pen,
    width,
    color,
    line,
    paragraph: (text, indent) => {
      for (const part of wrap(text, width - indent)) line(" ".repeat(indent) + part);
    },
    sql: (text, indent) => line(" ".repeat(indent) + pen("blue", text)),
    heading: (text, aside = "") => {
      line();
      line(`${pen("bold", text)}${aside === "" ? "" : `   ${pen("dim", aside)}`}`);
      line(pen("dim", "─".repeat(width)));
    },
    text: () => `${lines.join("\n").trimEnd()}\n`,
  };
}
