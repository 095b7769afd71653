import { normalise } from "hasten/postgres";
import type { Evidence } from "../finding.ts";

const KIB = 1024;
const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TEXT_CHARS_MAX = 4_000;

/** Grouped by commas, at most `digits` decimals. */
const grouped = (value: number, digits: number): string =>
  value.toLocaleString("en-US", { maximumFractionDigits: digits });

/** One decimal below ten, none above. */
const brief = (value: number): string => grouped(value, Math.abs(value) < 10 ? 1 : 0);

export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return "unknown";
  if (ms < SECOND) return `${ms < 1 ? grouped(ms, 2) : brief(ms)} ms`;
  if (ms < MINUTE) return `${grouped(ms / SECOND, 1)} s`;
  if (ms < 2 * HOUR) return `${grouped(ms / MINUTE, 0)} min`;
  if (ms < 2 * DAY) return `${grouped(ms / HOUR, 0)} h`;
  return `${grouped(ms / DAY, 0)} days`;
}

/** Binary units by the names that PostgreSQL prints. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= KIB && unit < BYTE_UNITS.length - 1) {
    value /= KIB;
    unit++;
  }
  return `${unit === 0 ? grouped(value, 0) : brief(value)} ${BYTE_UNITS[unit]}`;
}

const MILLION = 1_000_000;
const BILLION = 1_000_000_000;

export function formatCount(count: number): string {
  if (Math.abs(count) >= BILLION) return `${grouped(count / BILLION, 1)} G`;
  if (Math.abs(count) >= MILLION) return `${grouped(count / MILLION, 1)} M`;
  return grouped(count, Math.abs(count) < 10 ? 1 : 0);
}

/** 0.412 as "41 %", 0.0412 as "4.1 %". */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  // 99.96 is not all of it.
  if (percent < 100 && percent > 90) return `${grouped(Math.floor(percent * 10) / 10, 1)} %`;
  return `${brief(percent)} %`;
}

export const formatCost = (cost: number): string => grouped(cost, cost < 100 ? 1 : 0);

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

/** {@link visible} at any length. */
export const withoutControls = (text: string): string => text.replace(UNSEEN, "�");

/** {@link visible}, on one line. */
export const oneLine = (text: string): string => visible(text.replace(/\s+/g, " ").trim());

// C0 and C1 but for tab and newline; direction marks, embeddings, isolates; line separators.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A statement for people: without literals, on one line. */
export const formatStatement = (text: string): string => oneLine(normalise(text));

/** "2026-11-21 19:40 UTC" */
export const formatTime = (iso: string): string => `${iso.slice(0, 16).replace("T", " ")} UTC`;

export const plural = (count: number, one: string, many: string = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;
