/** Pieces that several checks' SQL share. */

/** Milliseconds since a timestamp, as a number. */
export function msSince(timestamp: string): string {
  return `(extract(epoch from clock_timestamp() - ${timestamp}) * 1000)::float8`;
}

/**
 * The text of a session's statement. It never leaves the process as it is: a judgement shows it
 * through `normalise` only, and the script for psql leaves it out.
 */
export const SESSION_TEXT = "left(a.query, 4000)";

/** Client sessions of this database other than ours. */
export const OTHER_SESSIONS =
  "a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'";

/** Ends a session if it still is the one that was seen: pids are used again. */
export function endSession(kind: "cancel" | "terminate"): string {
  return `format('select pg_${kind}_backend(pid) from pg_stat_activity where pid = %s and backend_start = %L;', a.pid, a.backend_start)`;
}

/** Schemas of the system, of sessions' temporary tables included. */
export function userSchema(namespace: string): string {
  return `${namespace}.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and ${namespace}.nspname not like 'pg\\_temp\\_%' and ${namespace}.nspname not like 'pg\\_toast\\_temp\\_%'`;
}

/**
 * How long, at the least, the counters of this database have been counting: since the server's
 * start where they were never reset (a clean restart keeps them, a crash does not).
 */
export const COUNTERS_MS: string = `(select ${msSince("coalesce(d.stats_reset, pg_postmaster_start_time())")} from pg_stat_database d where d.datname = current_database())`;

/** An integer or float storage parameter of a table, or the server's setting. */
export function reloption(relation: string, name: string): string {
  return `coalesce((select o.option_value::float8 from pg_options_to_table(${relation}.reloptions) o where o.option_name = '${name}'), current_setting('${name}')::float8)`;
}

export const BLOCK_BYTES = "current_setting('block_size')::float8";
