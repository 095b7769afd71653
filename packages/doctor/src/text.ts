/** Numbers and text as reports and plan trees show them. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MILLION = 1_000_000;
const BILLION = 1_000_000_000;
const KIB = 1024;
const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Grouped by commas, at most `digits` decimals. */
export const grouped = (value: number, digits: number): string =>
  value.toLocaleString("en-US", { maximumFractionDigits: digits });

/** One decimal below ten, none above. */
export const brief = (value: number): string => grouped(value, Math.abs(value) < 10 ? 1 : 0);

export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return "unknown";
  if (ms < SECOND) return `${ms < 1 ? grouped(ms, 2) : brief(ms)} ms`;
  if (ms < MINUTE) return `${grouped(ms / SECOND, 1)} s`;
  if (ms < 2 * HOUR) return `${grouped(ms / MINUTE, 0)} min`;
  if (ms < 2 * DAY) return `${grouped(ms / HOUR, 0)} h`;
  return `${grouped(ms / DAY, 0)} days`;
}

export function formatCount(count: number): string {
  if (Math.abs(count) >= BILLION) return `${grouped(count / BILLION, 1)} G`;
  if (Math.abs(count) >= MILLION) return `${grouped(count / MILLION, 1)} M`;
  return brief(count);
}

/** 0.412 as "41 %", 0.0412 as "4.1 %". */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  // 99.96 is not all of it.
  if (percent < 100 && percent > 90) return `${grouped(Math.floor(percent * 10) / 10, 1)} %`;
  return `${brief(percent)} %`;
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

export const formatCost = (cost: number): string => grouped(cost, cost < 100 ? 1 : 0);

/**
 * Control characters, marks of direction and of no width, line separators, but for tab and newline:
 * with them a name could move a terminal's cursor or show a statement in another order than it runs.
 */
const UNSEEN = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text of any length without characters that are not seen: each is replaced. */
export const withoutControls = (text: string): string => text.replace(UNSEEN, "�");

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** As the content of an element or of a quoted attribute. */
export const escapeHtml = (text: string): string =>
  withoutControls(text).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "");
