import type { CoherencePromise } from "../../../core/trust.ts";

/** One thing about a server or database that decides what hasten can promise on it. */
export interface Finding {
  /** Stable, for scripts: `wal-level`, `publication-missing`, … See docs/preflight.md. */
  readonly id: FindingId;
  /**
   * `blocks`: the promise in `stops` cannot be kept. `narrows`: some tables or processes are left
   * out of it. `advises`: it works, and something about it should be known.
   */
  readonly severity: "blocks" | "narrows" | "advises";
  /** The promises that it stops; empty unless it blocks. */
  readonly stops: readonly CoherencePromise[];
  /** What was found, with the evidence. */
  readonly says: string;
  /** What to do about it. */
  readonly fix: string;
  /** Statements that do it, to be run by someone who may. */
  readonly sql: readonly string[];
  /** The tables that it is about, as `schema.table`; at most 1,000. */
  readonly tables: readonly string[];
}

export const FINDING_IDS = [
  "unreachable",
  "server-version",
  "in-recovery",
  "pooler",
  "other-database",
  "wal-level",
  "replication-right",
  "slots-exhausted",
  "walsenders-exhausted",
  "replication-refused",
  "publication-missing",
  "publication-lacks-actions",
  "publication-publishes-roots",
  "publication-filters-rows",
  "publication-other-tables",
  "identity-missing",
  "tables-unpublished",
  "processes",
  "synchronous-commit",
  "triggers-missing",
  "triggers-outdated",
  "tables-untriggered",
  "parser-missing",
  "starting",
] as const;

export type FindingId = (typeof FINDING_IDS)[number];
