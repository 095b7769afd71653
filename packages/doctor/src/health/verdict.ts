import { normalise } from "hasten/postgres";
import type { Evidence, Fix } from "../finding.ts";

export function sqlFix(statements: readonly string[], note?: string): Fix {
  return note === undefined ? { kind: "sql", statements } : { kind: "sql", statements, note };
}

export function advice(text: string): Fix {
  return { kind: "advice", text };
}

export function ms(label: string, value: number): Evidence {
  return { label, value: Math.round(value), unit: "ms" };
}

export function bytes(label: string, value: number): Evidence {
  return { label, value: Math.round(value), unit: "bytes" };
}

export function share(label: string, value: number): Evidence {
  return { label, value: Math.round(value * 1e4) / 1e4, unit: "share" };
}

export function count(label: string, value: number): Evidence {
  return { label, value: Math.round(value), unit: "count" };
}

export function rows(label: string, value: number): Evidence {
  return { label, value: Math.round(value), unit: "rows" };
}

/** Evidence that may be missing is left out. */
export function known(items: readonly (Evidence | undefined)[]): readonly Evidence[] {
  return items.filter((item) => item !== undefined);
}

/** What a session is called in a report. */
export function sessionName(pid: number, application: string | null): string {
  return application ? `session ${pid} (${application})` : `session ${pid}`;
}

/** A session's statement without its literals; nothing when it is hidden or empty. */
export function statementEvidence(label: string, query: string | null): Evidence | undefined {
  if (query === null || query.trim() === "" || query === "<insufficient privilege>")
    return undefined;
  return { label, value: normalise(query) };
}

/** "3 minutes": for titles only; evidence keeps the number. */
export function spoken(value: number): string {
  const units: readonly (readonly [number, string])[] = [
    [86_400_000, "day"],
    [3_600_000, "hour"],
    [60_000, "minute"],
    [1_000, "second"],
  ];
  for (const [size, name] of units) {
    if (value < size) continue;
    const n = Math.round(value / size);
    return `${n} ${name}${n === 1 ? "" : "s"}`;
  }
  return `${Math.round(value)} ms`;
}

export function percent(value: number): string {
  return `${Math.round(value * 100)} %`;
}

export function plural(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** As the beginning of a sentence. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
