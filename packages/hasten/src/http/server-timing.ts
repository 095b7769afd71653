/** Server-Timing (W3C): durations for the browser's developer tools. */

export interface ServerTiming {
  /** A token, such as `db`; other characters become `_`. */
  readonly name: string;
  readonly durationMs?: number | undefined;
  readonly description?: string | undefined;
}

/** Further entries are left out: proxies limit the size of a response's header. */
export const SERVER_TIMING_ENTRIES_MAX = 16;

const DESCRIPTION_LENGTH_MAX = 64;

/** The field, or undefined without entries. Durations in milliseconds, to a tenth. */
export function formatServerTiming(timings: readonly ServerTiming[]): string | undefined {
  if (timings.length === 0) return undefined;
  return timings.slice(0, SERVER_TIMING_ENTRIES_MAX).map(formatEntry).join(", ");
}

function formatEntry({ name, durationMs, description }: ServerTiming): string {
  const token = name.replace(/[^!#$%&'*+\-.^_`|~0-9A-Za-z]/g, "_") || "_";
  const shown = durationMs !== undefined && Number.isFinite(durationMs);
  const duration = shown ? `;dur=${Math.round(Math.max(0, durationMs) * 10) / 10}` : "";
  return `${token}${duration}${description === undefined ? "" : `;desc=${quoted(description)}`}`;
}

function quoted(text: string): string {
  const safe = text.slice(0, DESCRIPTION_LENGTH_MAX).replace(/[^ -~]/g, "?");
  return `"${safe.replace(/["\\]/g, "\\$&")}"`;
}
