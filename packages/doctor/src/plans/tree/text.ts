/** Numbers and text as the trees show them. */

const SECOND = 1000;
const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function grouped(value: number, digits: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

export function formatMs(ms: number): string {
  if (ms < SECOND) return `${grouped(ms, ms < 1 ? 2 : ms < 10 ? 1 : 0)} ms`;
  return `${grouped(ms / SECOND, 1)} s`;
}

export function formatShare(share: number): string {
  const percent = share * 100;
  return `${grouped(percent, percent < 10 ? 1 : 0)} %`;
}

export function formatCount(value: number): string {
  if (value >= 1e7) return `${grouped(value / 1e6, 0)} M`;
  return grouped(value, value < 10 ? 1 : 0);
}

export function formatCost(cost: number): string {
  return grouped(cost, cost < 100 ? 1 : 0);
}

/** On one line, without characters that move a cursor or turn the direction of writing. */
export function oneLine(text: string): string {
  return text
    .replace(/\s+/gu, " ")
    .replace(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, "�")
    .trim();
}

/** At most `width` characters, the last of them an ellipsis where something was cut. */
export function cut(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  return `${characters
    .slice(0, Math.max(width - 1, 0))
    .join("")
    .trimEnd()}…`;
}

export function escapeHtml(text: string): string {
  return oneLine(text).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "");
}
