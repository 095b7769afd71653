/**
 * The only place that signals a session of the server.
 *
 * Invariants:
 * - One statement checks and signals: the session, its transaction, its statement and its state are
 *   those of the look, its role and application are those allowed, and it holds or awaits no lock
 *   that DDL and VACUUM take. What differs is not signalled: `gone`.
 * - The check of the session comes last, right before the signal. What remains between the two, some
 *   ten microseconds in which the statement may end and another begin, PostgreSQL cannot exclude:
 *   pg_cancel_backend takes a process id only. Sessions leased by this process have no such
 *   window: see own-leases.ts.
 */
import type { Run } from "../coherence/direct.ts";
import { reasonOf, sqlstateOf } from "../failures.ts";
import type { SessionFacts } from "./facts.ts";
import { micros } from "./look-sql.ts";
import type { SessionAction } from "./plan.ts";
import type { ResolvedPolicy } from "./policy.ts";

/** `builds`: it holds or awaits a lock that DDL and VACUUM take. */
export type SignalOutcome =
  | { readonly kind: "signalled" | "gone" | "builds" }
  | { readonly kind: "refused" | "failed"; readonly because: string };

/** Temporary tables are locked by everyone who makes one; a table made just now is not known to be one. */
const BUILDS = `
exists (select from pg_locks l left join pg_class c on c.oid = l.relation
    and l.database = (select oid from pg_database where datname = current_database())
  where l.pid = $1 and l.locktype = 'relation' and c.relpersistence is distinct from 't'
    and l.mode in ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
      'ExclusiveLock', 'AccessExclusiveLock'))`;

/** The function behind pg_stat_activity, for one session: fewer microseconds until the signal. */
const SAME = `
exists (select from pg_stat_get_activity($1) a
  where a.pid = $1 and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
    and ${micros("a.backend_start")} = $2
    and ${micros("a.xact_start")} is not distinct from $3
    and ${micros("a.query_start")} is not distinct from $4
    and ${micros("a.state_change")} is not distinct from $5
    and a.state = $6
    and (pg_get_userbyid(a.usesysid) = current_user or pg_get_userbyid(a.usesysid) = any ($7::text[]))
    and exists (select from unnest($8::text[]) as n (name) where starts_with(a.application_name, n.name)))`;

/** CASE is evaluated in its order: locks, then the session, then the signal. */
const statement = (signal: string): string => `
select case when ${BUILDS} then 'builds' when not ${SAME} then 'gone'
  when ${signal} then 'signalled' else 'gone' end as outcome`;

const STATEMENTS: Readonly<Record<SessionAction | "check", string>> = {
  cancel: statement("pg_cancel_backend($1)"),
  terminate: statement("pg_terminate_backend($1)"),
  check: statement("true"),
};

/** Signals the session if it is still as it was seen; `check` says whether it would. Never rejects. */
export async function signalSession(
  run: Run,
  action: SessionAction | "check",
  session: SessionFacts,
  policy: Pick<ResolvedPolicy, "roles" | "applicationNames">,
): Promise<SignalOutcome> {
  const { backendStart, transactionStart, statementStart, stateChange } = session.instants;
  const instants = [backendStart, transactionStart, statementStart, stateChange];
  try {
    const [row] = await run(STATEMENTS[action], [
      session.pid,
      ...instants.map((instant) => instant ?? null),
      session.state ?? null,
      policy.roles,
      policy.applicationNames,
    ]);
    return { kind: row?.["outcome"] as "signalled" | "gone" | "builds" };
  } catch (error) {
    if (sqlstateOf(error) === "42501") return { kind: "refused", because: NOT_ALLOWED };
    return { kind: "failed", because: reasonOf(error) };
  }
}

const NOT_ALLOWED =
  "this role may not signal that session: grant pg_signal_backend (sessions of superusers never)";
