import { MAJORS, type Major } from "hasten-tools/postgres-versions";

/**
 * One case of one rule: what makes the plan that has the problem, and the near miss that has not.
 * It runs in an empty database of its own; autovacuum stays away.
 */
export interface Scenario {
  /** "plan/disk-sort". */
  readonly rule: string;
  /** When a rule has more than one scenario: what tells them apart, in kebab-case. */
  readonly variant?: string;
  /** First major whose EXPLAIN tells what the rule reads. @default 14 */
  readonly since?: Major;
  /**
   * That only Debian's build of PostgreSQL 15 can show it: npm's builds have no JIT.
   * @default npm's builds of 14 to 18
   */
  readonly build?: "debian-15";
  /** Statements before both queries, each sent alone. */
  readonly setup: readonly string[];
  readonly positive: ScenarioQuery;
  readonly negative: ScenarioQuery;
}

export interface ScenarioQuery {
  /** What is explained with ANALYZE, BUFFERS, VERBOSE, SETTINGS, FORMAT JSON. */
  readonly query: string;
  /** Settings of this query's session alone. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Statements right before it, in its session. */
  readonly before?: readonly string[];
  /** Other options of EXPLAIN than the above, for example `["verbose", "format json"]`. */
  readonly explain?: readonly string[];
}

export type Case = "positive" | "negative";

/** The majors whose plans are kept. */
export function majorsOf(scenario: Pick<Scenario, "since" | "build">): readonly Major[] {
  if (scenario.build === "debian-15") return [15];
  return MAJORS.filter((major) => (scenario.since ?? 14) <= major);
}

/** Name of the file that its recorded plans are in. */
export function fileOf(scenario: Pick<Scenario, "rule" | "variant">): string {
  const name = scenario.rule.replace(/^plan\//, "");
  return scenario.variant === undefined ? `${name}.json` : `${name}.${scenario.variant}.json`;
}
