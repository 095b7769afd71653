import { normalise } from "hasten/postgres";
import type { Evidence } from "../finding.ts";
import {
  formatBytes,
  formatCost,
  formatCount,
  formatMs,
  formatShare,
  grouped,
  withoutControls,
} from "../text.ts";

export { formatBytes, formatCost, formatCount, formatMs, formatShare };

const TEXT_CHARS_MAX = 4_000;

/** "−99.3 %": by how much a cost changes, never rounded up to all of it. */
export function formatChange(before: number, after: number): string {
  if (before <= 0) return "unknown";
  const change = after / before - 1;
  const percent = Math.abs(change) * 100;
  const shown = percent < 100 ? Math.floor(percent * 10) / 10 : percent;
  return `${change < 0 ? "−" : "+"}${grouped(shown, 1)} %`;
}

export function formatEvidence({ label, value, unit }: Evidence): string {
  if (typeof value === "string") return oneLine(value);
  switch (unit) {
    case "ms":
      return formatMs(value);
    case "bytes":
      return formatBytes(value);
    case "share":
      return formatShare(value);
    case "cost":
      return formatCost(value);
    case "per-hour":
      return `${formatCount(value)}/h`;
    case "rows":
    case "pages":
    case "xids":
      return label.includes(unit) ? formatCount(value) : `${formatCount(value)} ${unit}`;
    case "count":
    case undefined:
      return formatCount(value);
    default:
      return unit satisfies never;
  }
}

/**
 * Text whose control characters and direction marks are replaced, so that a name can neither move a
 * terminal's cursor nor show a statement in another order than it runs. At most 4,000 characters.
 */
export function visible(text: string): string {
  const cut = text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}…` : text;
  return withoutControls(cut);
}

/** {@link visible}, on one line. */
export const oneLine = (text: string): string => visible(text.replace(/\s+/g, " ").trim());

/** A statement for people: without literals, on one line. */
export const formatStatement = (text: string): string => oneLine(normalise(text));

/** "2026-11-21 19:40 UTC" */
export const formatTime = (iso: string): string => `${iso.slice(0, 16).replace("T", " ")} UTC`;

export const plural = (count: number, one: string, many: string = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;
