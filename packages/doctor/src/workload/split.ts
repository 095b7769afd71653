/** What a psql script holds, cut where psql would cut it. */
export interface Script {
  readonly statements: readonly ScriptStatement[];
  /** Lines for psql itself, and lines of COPY's data. */
  readonly skippedLines: number;
}

export interface ScriptStatement {
  /** Without its leading comments and the `;`. */
  readonly text: string;
  /** Leading comments, each without its marks. */
  readonly comments: readonly string[];
}

/** One token that a `;` or a `\` may hide in, or one that ends a statement. */
const TOKEN =
  /(?<comment>--[^\n]*)|(?<block>\/\*)|(?<tag>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)|(?<escaped>\b[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$))|(?<quoted>'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$))|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(?<end>;)|(?<meta>\\[^\n]*)|(?<space>\s+)|(?<other>[\s\S])/y;

/** Pure, and linear in the text's length. */
export function splitScript(text: string): Script {
  const statements: ScriptStatement[] = [];
  let skippedLines = 0;
  let comments: string[] = [];
  let start: number | undefined;
  const close = (end: number): void => {
    if (start !== undefined) statements.push({ text: text.slice(start, end).trim(), comments });
    start = undefined;
    comments = [];
  };
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.groups ?? {};
    const end = endOf(text, at, token, TOKEN.lastIndex);
    if (token["meta"] !== undefined) {
      close(at);
      skippedLines += 1;
    } else if (token["end"] !== undefined) {
      const data = start === undefined ? 0 : copyData(text, start, end);
      close(at);
      skippedLines += data === 0 ? 0 : text.slice(end, end + data).split("\n").length - 1;
      at = end + data;
      continue;
    } else if (start === undefined && (token["comment"] ?? token["block"]) !== undefined) {
      comments.push(bare(text.slice(at, end)));
    } else if (token["space"] === undefined) {
      start ??= at;
    }
    at = end;
  }
  close(text.length);
  return { statements: statements.filter((it) => it.text !== ""), skippedLines };
}

/** The same statement: each comment becomes a space. */
export function withoutComments(text: string): string {
  let kept = "";
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.groups ?? {};
    const end = endOf(text, at, token, TOKEN.lastIndex);
    const isComment = (token["comment"] ?? token["block"]) !== undefined;
    kept += isComment ? " " : text.slice(at, end);
    at = end;
  }
  return kept;
}

const bare = (comment: string): string => comment.replace(/^(?:--|\/\*)|\*\/$/g, "").trim();

type Groups = Readonly<Record<string, string | undefined>>;

function endOf(text: string, at: number, token: Groups, end: number): number {
  if (token["block"] !== undefined) return endOfBlock(text, at);
  const tag = token["tag"];
  if (tag === undefined) return end;
  const closing = text.indexOf(tag, end);
  return closing < 0 ? text.length : closing + tag.length;
}

/** Block comments nest. */
function endOfBlock(text: string, at: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = at;
  let depth = 0;
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    depth += found[0] === "/*" ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return text.length;
}

/** Length of the rows that follow COPY … FROM STDIN, their end mark included. */
function copyData(text: string, start: number, end: number): number {
  const statement = text.slice(start, Math.min(end, start + COPY_CHARS_MAX));
  if (!/^copy\b[\s\S]*\bfrom\s+stdin\b/i.test(statement)) return 0;
  const mark = /^\\\.\r?$/gm;
  mark.lastIndex = end;
  return (mark.exec(text) === null ? text.length : mark.lastIndex) - end;
}

const COPY_CHARS_MAX = 10_000;
