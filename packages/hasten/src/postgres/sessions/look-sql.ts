/**
 * How the server is asked for its sessions.
 *
 * Invariants:
 * - Instants are compared by the server in microseconds, as text here: no rounding by JavaScript.
 * - pg_blocking_pids is called for sessions that wait for a lock only, and for at most WAITS_MAX: it
 *   stops all lock requests for a moment.
 * - A plain role sees of others' sessions their process id, role and name, and no more (chapter
 *   "The Cumulative Statistics System"): such rows have no backend_type.
 */

/** Most sessions read in one look, oldest first. */
export const SESSIONS_MAX = 500;
/** Most waiting sessions whose blockers are asked for, longest first. */
export const WAITS_MAX = 200;
/** Most of a text that is read. */
const TEXT_CHARS_MAX = 8_192;

/** Microseconds since 1970 as text. */
export const micros = (column: string): string =>
  `(extract(epoch from ${column}) * 1000000)::bigint::text`;
const since = (column: string): string =>
  `(extract(epoch from clock_timestamp() - ${column}) * 1000)::float8`;

const COLUMNS = `
  a.pid, a.usename::text as role, a.datname::text as database, a.application_name, a.backend_type,
  a.state, a.wait_event_type = 'Lock' as waits,
  ${micros("a.backend_start")} as backend_start, ${micros("a.xact_start")} as xact_start,
  ${micros("a.query_start")} as query_start, ${micros("a.state_change")} as state_change,
  ${since("a.xact_start")} as xact_ms, ${since("a.query_start")} as query_ms,
  ${since("a.state_change")} as state_ms,
  left(a.query, ${TEXT_CHARS_MAX}) as query,
  length(a.query) > ${TEXT_CHARS_MAX} or octet_length(a.query)
    >= pg_size_bytes(current_setting('track_activity_query_size')) - 4 as cut`;

/** $1: idle in a transaction for at least so many ms. $2: a statement that runs for at least so many. */
export const SESSIONS: string = `
select ${COLUMNS}
from pg_stat_activity a
where a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
  and a.datname = current_database()
  and ((a.state like 'idle in transaction%'
      and a.state_change <= clock_timestamp() - $1 * interval '1 millisecond')
    or (a.state in ('active', 'fastpath function call')
      and a.query_start <= clock_timestamp() - $2 * interval '1 millisecond')
    or a.wait_event_type = 'Lock')
order by coalesce(a.xact_start, a.query_start)
limit ${SESSIONS_MAX}`;

/** $1: sessions that wait for a lock. Gives them and those that they wait for. */
export const WAITS: string = `
with waits as materialized (
  select w.pid, pg_blocking_pids(w.pid) as blockers,
    (select extract(epoch from clock_timestamp() - min(l.waitstart)) * 1000
      from pg_locks l where l.pid = w.pid and not l.granted)::float8 as waited_ms
  from unnest($1::int[]) as w (pid)
)
select ${COLUMNS}, w.blockers, w.waited_ms
from waits w join pg_stat_activity a on a.pid = w.pid
where w.blockers <> '{}'
union all
select ${COLUMNS}, null, null
from pg_stat_activity a
where a.pid in (select unnest(blockers) from waits) and a.pid not in (select pid from waits)`;

export const SERVER = `
select pg_backend_pid() as own_pid, current_user::text as role,
  count(*) filter (where datid is not null and coalesce(backend_type, 'client backend') = 'client backend')::int as clients,
  count(*) filter (where datid is not null and backend_type is null)::int as hidden,
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true), '0')::int as clients_max,
  pg_has_role('pg_read_all_stats', 'usage') as may_see_all,
  pg_has_role('pg_signal_backend', 'usage') as may_signal
from pg_stat_activity`;
