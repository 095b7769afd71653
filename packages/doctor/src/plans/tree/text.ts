import { withoutControls } from "../../text.ts";

/** On one line, without characters that move a cursor or turn the direction of writing. */
export function oneLine(text: string): string {
  return withoutControls(text.replace(/\s+/gu, " ").trim());
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
