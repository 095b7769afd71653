export type Severity = "info" | "warning" | "critical";

/** The worst first: for sorting. */
export const SEVERITY_RANK: Readonly<Record<Severity, number>> = {
  critical: 0,
  warning: 1,
  info: 2,
};

/** One diagnosed problem: evidence, cause, fix. Names objects and numbers, never a value of data. */
export interface DoctorFinding {
  /** "health/unused-index", "plan/disk-sort" …: stable, and the anchor in its page of docs/. */
  readonly id: string;
  readonly severity: Severity;
  /** One sentence that stands alone. */
  readonly title: string;
  /** The table, index, role, session or statement that it is about. */
  readonly subject: string;
  readonly evidence: readonly Evidence[];
  /** What happens if it is left so. */
  readonly why: string;
  readonly fix: Fix;
}

export interface Evidence {
  readonly label: string;
  readonly value: number | string;
  readonly unit?: Unit;
}

/** Numbers stay numbers until they are rendered. */
export type Unit =
  | "ms"
  | "bytes"
  | "rows"
  | "pages"
  | "share"
  | "count"
  | "per-hour"
  | "cost"
  | "xids";

export type Fix =
  | { readonly kind: "sql"; readonly statements: readonly string[]; readonly note?: string }
  | { readonly kind: "advice"; readonly text: string };
