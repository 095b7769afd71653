/**
 * What is never judged, whatever the rules say: statements that are no reads of an application's data,
 * those of queues and of hasten, those answered by a cache, and what the application excepted.
 */
import type { QueryRecord } from "../core/trace/index.ts";
import { optionInvalid } from "./errors.ts";
import type { FindingKind, TraceFinding } from "./finding.ts";
import { fileOf } from "./site.ts";

/** By application_name. `hasten` alone is the name that an application has by default. */
const QUEUES = /^(?:pgboss|pg-boss|graphile[-_]worker|hasten[-_: ](?:batch|jobs?|migrate|leader))/i;
const CATALOGS = /^"?(?:pg_catalog|information_schema|pgboss|graphile_worker|pg_[a-z])/i;
const HEALTH = /^select (?:\?|\$n|true|now\(\)|version\(\))(?: as "?\w+"?)?;?$/i;

/** Their answers are new each time, or they are asked for what they do. */
const ACTS =
  /\b(?:nextval|setval|currval|lastval|random|gen_random_uuid|uuid_generate_v\w+|uuidv[47]|clock_timestamp|timeofday|pg_notify|set_config|txid_current\w*|pg_current_xact_id\w*|pg_(?:try_)?advisory\w*|pg_cancel_backend|pg_terminate_backend)\s*\(/i;

const WRITES: ReadonlySet<string> = new Set(["insert", "update", "delete", "merge"]);
const READS: ReadonlySet<string> = new Set(["select", "with", "values", "table"]);

/** Whether it is the application's own statement, read or write, that reached the database. */
export function isJudged(record: QueryRecord): boolean {
  const { shape } = record;
  if (record.unjudged || record.cache === "hit") return false;
  if (shape.role !== "read" && shape.role !== "write") return false;
  if (record.application !== "" && QUEUES.test(record.application)) return false;
  return !CATALOGS.test(shape.model);
}

export const isRead = ({ shape }: QueryRecord): boolean =>
  shape.role === "read" && READS.has(shape.kind) && !isHealthCheck(shape.statement);

export const isRowWrite = ({ shape }: QueryRecord): boolean =>
  shape.role === "write" && WRITES.has(shape.kind);

const isHealthCheck = (statement: string): boolean => HEALTH.test(statement);

/** Asked for what it does, or for an answer that is new each time. */
export const acts = (statement: string): boolean => ACTS.test(statement);

/** Findings that the application knows of and accepts. At least one of `site` and `statement`. */
export interface Allowance {
  /** Only of this kind. @default all */
  readonly kind?: FindingKind;
  /** Part of `src/orders.ts:listOrders`, the file relative to the working directory. */
  readonly site?: string | RegExp;
  /** Part of the statement without its data. */
  readonly statement?: string | RegExp;
}

const ALLOWANCES_MAX = 1_000;

/** @throws HST_TRACE_OPTION for one that would allow everything, and for more than 1,000 */
export function checkedAllowances(allow: readonly Allowance[] | undefined): readonly Allowance[] {
  if (allow === undefined) return [];
  if (allow.length > ALLOWANCES_MAX) throw optionInvalid("allow", `at most ${ALLOWANCES_MAX} long`);
  for (const { site, statement } of allow)
    if ((site ?? "") === "" && (statement ?? "") === "")
      throw optionInvalid("allow", "a list whose items name a site or a statement");
  return allow;
}

/** Whether somebody accepted this finding. */
export function isAllowed(
  finding: TraceFinding,
  allow: readonly Allowance[],
  root: string,
): boolean {
  return allow.some(({ kind, site, statement }) => {
    if (kind !== undefined && kind !== finding.kind) return false;
    if (statement !== undefined && !holds(finding.statement, statement)) return false;
    if (site === undefined) return true;
    if (finding.site === undefined) return false;
    return holds(`${fileOf(finding.site, root)}:${finding.site.functionName}`, site);
  });
}

/** `search` does not depend on where an earlier match of a global expression ended. */
const holds = (text: string, wanted: string | RegExp): boolean =>
  typeof wanted === "string" ? text.includes(wanted) : text.search(wanted) >= 0;
