-- Health checks of PostgreSQL 14 to 18 for psql, generated from the checks of hasten-doctor by
--   node --conditions=hasten-source packages/doctor/sql/generate.ts
-- Run it with: psql -X -f health.sql <url>
-- It only reads catalogs and statistics. Each section shows what deserves a look and, as "fix", the
-- statement that helps; no rows: nothing found. Some sections show rows to judge by yourself.
-- docs/health-checks.md says what each means. A role needs pg_monitor to see other sessions.
-- Thresholds can be given: psql -v longRunningWarningMs=10000 -f health.sql

\set ON_ERROR_STOP off
\set QUIET on
\pset footer off
\pset null '-'
\x auto
begin read only;
set local search_path = pg_catalog;
set local statement_timeout = '5s';
set local lock_timeout = '200ms';
\set ON_ERROR_ROLLBACK on

\if :{?connectionsWarningShare}
\else
  \set connectionsWarningShare 0.8
\endif
\if :{?connectionsCriticalShare}
\else
  \set connectionsCriticalShare 0.95
\endif
\if :{?idleInTransactionWarningMs}
\else
  \set idleInTransactionWarningMs 30000
\endif
\if :{?idleInTransactionCriticalMs}
\else
  \set idleInTransactionCriticalMs 300000
\endif
\if :{?longRunningWarningMs}
\else
  \set longRunningWarningMs 60000
\endif
\if :{?longRunningCriticalMs}
\else
  \set longRunningCriticalMs 300000
\endif
\if :{?blockedWarningMs}
\else
  \set blockedWarningMs 5000
\endif
\if :{?blockedCriticalMs}
\else
  \set blockedCriticalMs 300000
\endif
\if :{?blockedCriticalSessions}
\else
  \set blockedCriticalSessions 3
\endif
\if :{?preparedTransactionWarningMs}
\else
  \set preparedTransactionWarningMs 600000
\endif
\if :{?preparedTransactionCriticalMs}
\else
  \set preparedTransactionCriticalMs 3600000
\endif
\if :{?deadlocksWarningPerHour}
\else
  \set deadlocksWarningPerHour 0
\endif
\if :{?deadlocksCriticalPerHour}
\else
  \set deadlocksCriticalPerHour 300
\endif
\if :{?rollbackWarningShare}
\else
  \set rollbackWarningShare 0.1
\endif
\if :{?rollbackTransactionsMin}
\else
  \set rollbackTransactionsMin 100
\endif
\if :{?cacheHitInfoShare}
\else
  \set cacheHitInfoShare 0.98
\endif
\if :{?cacheHitWarningShare}
\else
  \set cacheHitWarningShare 0.9
\endif
\if :{?cachePagesMin}
\else
  \set cachePagesMin 10000
\endif
\if :{?tempWarningBytesPerSecond}
\else
  \set tempWarningBytesPerSecond 10485760
\endif
\if :{?tempCriticalBytesPerSecond}
\else
  \set tempCriticalBytesPerSecond 104857600
\endif
\if :{?checkpointsRequestedShare}
\else
  \set checkpointsRequestedShare 0.5
\endif
\if :{?checkpointsMin}
\else
  \set checkpointsMin 10
\endif
\if :{?unusedIndexBytesMin}
\else
  \set unusedIndexBytesMin 10485760
\endif
\if :{?unusedIndexMs}
\else
  \set unusedIndexMs 3024000000
\endif
\if :{?unusedIndexCountersMinMs}
\else
  \set unusedIndexCountersMinMs 1209600000
\endif
\if :{?foreignKeyRowsMin}
\else
  \set foreignKeyRowsMin 10000
\endif
\if :{?foreignKeyDeletedRowsMin}
\else
  \set foreignKeyDeletedRowsMin 1000
\endif
\if :{?sequentialScansRowsMin}
\else
  \set sequentialScansRowsMin 10000
\endif
\if :{?sequentialScansShare}
\else
  \set sequentialScansShare 0.05
\endif
\if :{?sequentialScansRowsReadMin}
\else
  \set sequentialScansRowsReadMin 1000000
\endif
\if :{?sequenceWarningShare}
\else
  \set sequenceWarningShare 0.75
\endif
\if :{?sequenceCriticalShare}
\else
  \set sequenceCriticalShare 0.9
\endif
\if :{?tableBloatWarningShare}
\else
  \set tableBloatWarningShare 0.2
\endif
\if :{?tableBloatWarningBytes}
\else
  \set tableBloatWarningBytes 104857600
\endif
\if :{?tableBloatCriticalShare}
\else
  \set tableBloatCriticalShare 0.4
\endif
\if :{?tableBloatCriticalBytes}
\else
  \set tableBloatCriticalBytes 1073741824
\endif
\if :{?indexBloatShare}
\else
  \set indexBloatShare 0.4
\endif
\if :{?indexBloatBytes}
\else
  \set indexBloatBytes 104857600
\endif
\if :{?deadRowsMin}
\else
  \set deadRowsMin 10000
\endif
\if :{?vacuumLagMs}
\else
  \set vacuumLagMs 36000000
\endif
\if :{?analyzeLagTriggers}
\else
  \set analyzeLagTriggers 2
\endif
\if :{?analyzeLagRowsMin}
\else
  \set analyzeLagRowsMin 1000
\endif
\if :{?analyzeLagMs}
\else
  \set analyzeLagMs 3600000
\endif
\if :{?wraparoundWarningShare}
\else
  \set wraparoundWarningShare 0.25
\endif
\if :{?wraparoundCriticalShare}
\else
  \set wraparoundCriticalShare 0.5
\endif
\if :{?xminHolderMs}
\else
  \set xminHolderMs 3600000
\endif
\if :{?xminHolderXids}
\else
  \set xminHolderXids 10000000
\endif
\if :{?slotInactiveMs}
\else
  \set slotInactiveMs 1800000
\endif
\if :{?slotKeepShare}
\else
  \set slotKeepShare 0.5
\endif
\if :{?slotRetainedBytes}
\else
  \set slotRetainedBytes 1073741824
\endif
\if :{?replicaLagWarningMs}
\else
  \set replicaLagWarningMs 30000
\endif
\if :{?replicaLagCriticalMs}
\else
  \set replicaLagCriticalMs 3600000
\endif
\if :{?replicaLagCriticalBytes}
\else
  \set replicaLagCriticalBytes 1073741824
\endif
\if :{?statementsEvictedPerHour}
\else
  \set statementsEvictedPerHour 0
\endif

select current_setting('server_version_num')::int >= 180000 as pg18,
  current_setting('server_version_num')::int >= 170000 as pg17,
  current_setting('server_version_num')::int >= 160000 as pg16,
  current_setting('server_version_num')::int >= 150000 as pg15,
  exists (select from pg_extension where extname = 'pg_stat_statements') as has_pg_stat_statements,
  coalesce((select n.nspname::text from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pg_stat_statements'), 'public') as pg_stat_statements \gset

\echo
\echo '== Connections in use'
\echo 'When all are taken, new connections are refused: the application stops, and often nobody can log in to see why.'
select count(*)::float8 as used,
  count(*) filter (where a.state = 'active')::float8 as active,
  count(*) filter (where a.state = 'idle')::float8 as idle,
  count(*) filter (where a.state like 'idle in transaction%')::float8 as in_transaction,
  (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true), '0')::int)::float8 as usable
from pg_stat_activity a
where a.backend_type = 'client backend';

\echo
\echo '== Transactions left open by idle sessions'
\echo 'An open transaction keeps its locks and stops vacuum from removing rows that died since it began, in every table; its connection is lost to the pool.'
select a.pid, a.usename::text as role, a.application_name as application, a.state,
  (extract(epoch from clock_timestamp() - a.state_change) * 1000)::float8 as ms,
  (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::float8 as transaction_ms,
  null::text as query,
  format('select pg_terminate_backend(pid) from pg_stat_activity where pid = %s and backend_start = %L;', a.pid, a.backend_start) as fix
from pg_stat_activity a
where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
  and a.state like 'idle in transaction%' and (extract(epoch from clock_timestamp() - a.state_change) * 1000)::float8 >= :idleInTransactionWarningMs
order by a.state_change
limit 100;

\echo
\echo '== Statements that run for long'
\echo 'A long statement holds its snapshot, so that vacuum cannot clean up behind it, and takes CPU, I/O and a connection from everyone else.'
select a.pid, a.usename::text as role, a.application_name as application, a.state,
  (extract(epoch from clock_timestamp() - a.query_start) * 1000)::float8 as ms,
  (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::float8 as transaction_ms,
  null::text as query,
  format('select pg_cancel_backend(pid) from pg_stat_activity where pid = %s and backend_start = %L;', a.pid, a.backend_start) as fix
from pg_stat_activity a
where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
  and a.state = 'active' and (extract(epoch from clock_timestamp() - a.query_start) * 1000)::float8 >= :longRunningWarningMs
  and a.wait_event_type is distinct from 'Lock'
  and a.application_name not like 'pg\_dump%' and a.application_name not like 'pg\_restore%'
  and a.query !~* '^\s*(/\*.*?\*/\s*)?(vacuum|analyze|create\s+(unique\s+)?index|reindex|cluster|copy|refresh\s+materialized|alter)\M' and a.query not like '%hasten-doctor: expected%'
order by a.query_start
limit 100;

\echo
\echo '== Sessions that block others'
\echo 'Everything behind the root waits for its transaction to end, and whatever comes next queues up behind the waiters.'
with waiting as materialized (
  select a.pid, pg_blocking_pids(a.pid) as blockers
  from pg_stat_activity a
  where a.wait_event_type = 'Lock' and a.datname = current_database()
  limit 200
),
locks as materialized (
  select l.pid, max(l.mode) filter (where not l.granted) as mode,
    min(l.waitstart) filter (where not l.granted) as since,
    max(l.relation) as relation
  from pg_locks l
  where l.pid in (select w.pid from waiting w) and (not l.granted or l.locktype = 'tuple')
  group by l.pid
),
involved as (
  select w.pid from waiting w union select unnest(w.blockers) from waiting w
)
select i.pid, coalesce(w.blockers, '{}') as blockers, a.application_name as application, a.state,
  case when w.pid is not null then (extract(epoch from clock_timestamp() - coalesce(k.since, a.query_start)) * 1000)::float8 end as wait_ms,
  (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::float8 as transaction_ms,
  k.mode,
  (select format('%I.%I', n.nspname, c.relname) from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where c.oid = k.relation) as relation,
  null::text as query,
  format('select pg_terminate_backend(pid) from pg_stat_activity where pid = %s and backend_start = %L;', a.pid, a.backend_start) as fix
from involved i
left join waiting w on w.pid = i.pid
left join locks k on k.pid = i.pid
left join pg_stat_activity a on a.pid = i.pid
order by i.pid;

\echo
\echo '== Prepared transactions nobody finished'
\echo 'A prepared transaction belongs to no session: it keeps its locks and holds vacuum back through restarts, until somebody commits it or rolls it back.'
select p.gid, p.owner::text as owner, (extract(epoch from clock_timestamp() - p.prepared) * 1000)::float8 as ms,
  format('rollback prepared %L;', p.gid) as fix
from pg_prepared_xacts p
where p.database = current_database() and (extract(epoch from clock_timestamp() - p.prepared) * 1000)::float8 >= :preparedTransactionWarningMs
order by p.prepared
limit 100;

\echo
\echo '== Indexes that no statement uses'
\echo 'Every insert and most updates write to it, vacuum reads it, memory and backups carry it, and updates of its columns cannot be HOT.'
\if :pg16
with u as materialized (
  select x.indexrelid, x.indrelid, c.ms as counters_ms
  from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = x.indrelid
join pg_am m on m.oid = i.relam
  cross join (select (select (extract(epoch from clock_timestamp() - coalesce(d.stats_reset, pg_postmaster_start_time())) * 1000)::float8 from pg_stat_database d where d.datname = current_database()) as ms) c
  where i.relkind = 'i' and x.indisvalid and not x.indisunique and not x.indisprimary
    and not x.indisexclusion and not x.indisreplident
    and i.relpages * current_setting('block_size')::float8 >= :unusedIndexBytesMin
    and c.ms >= :unusedIndexCountersMinMs
    and (pg_stat_get_numscans(x.indexrelid) = 0 or (extract(epoch from clock_timestamp() - pg_stat_get_lastscan(x.indexrelid)) * 1000)::float8 >= :unusedIndexMs)
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
    and not exists (select from pg_inherits h where h.inhrelid = x.indexrelid)
    and not exists (select from pg_constraint k where k.conindid = x.indexrelid)
    and not exists (select from pg_constraint f
    where f.contype = 'f' and f.conrelid = x.indrelid
      and (x.indkey::int2[])[0 : cardinality(f.conkey) - 1] @> f.conkey)
  order by i.relpages desc
  limit 100
)
select format('%I.%I', n.nspname, i.relname) as index,
  (select format('%I.%I', s.nspname, t.relname) from pg_namespace s where s.oid = t.relnamespace) as "table",
  i.relpages * current_setting('block_size')::float8 as bytes,
  pg_stat_get_numscans(x.indexrelid)::float8 as scans,
  (extract(epoch from clock_timestamp() - pg_stat_get_lastscan(x.indexrelid)) * 1000)::float8 as idle_ms,
  x.counters_ms,
  (pg_stat_get_tuples_inserted(t.oid) + pg_stat_get_tuples_updated(t.oid)
    - pg_stat_get_tuples_hot_updated(t.oid))::float8 as writes,
  format(case when i.relkind = 'I' then 'drop index %I.%I;' else 'drop index concurrently %I.%I;' end, n.nspname, i.relname) as fix,
  pg_get_indexdef(x.indexrelid) || ';' as undo
from u x
join pg_class i on i.oid = x.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = x.indrelid
order by i.relpages desc;
\else
with u as materialized (
  select x.indexrelid, x.indrelid, c.ms as counters_ms
  from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = x.indrelid
join pg_am m on m.oid = i.relam
  cross join (select (select (extract(epoch from clock_timestamp() - coalesce(d.stats_reset, pg_postmaster_start_time())) * 1000)::float8 from pg_stat_database d where d.datname = current_database()) as ms) c
  where i.relkind = 'i' and x.indisvalid and not x.indisunique and not x.indisprimary
    and not x.indisexclusion and not x.indisreplident
    and i.relpages * current_setting('block_size')::float8 >= :unusedIndexBytesMin
    and c.ms >= :unusedIndexCountersMinMs
    and (pg_stat_get_numscans(x.indexrelid) = 0 or (extract(epoch from clock_timestamp() - null::timestamptz) * 1000)::float8 >= :unusedIndexMs)
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
    and not exists (select from pg_inherits h where h.inhrelid = x.indexrelid)
    and not exists (select from pg_constraint k where k.conindid = x.indexrelid)
    and not exists (select from pg_constraint f
    where f.contype = 'f' and f.conrelid = x.indrelid
      and (x.indkey::int2[])[0 : cardinality(f.conkey) - 1] @> f.conkey)
  order by i.relpages desc
  limit 100
)
select format('%I.%I', n.nspname, i.relname) as index,
  (select format('%I.%I', s.nspname, t.relname) from pg_namespace s where s.oid = t.relnamespace) as "table",
  i.relpages * current_setting('block_size')::float8 as bytes,
  pg_stat_get_numscans(x.indexrelid)::float8 as scans,
  (extract(epoch from clock_timestamp() - null::timestamptz) * 1000)::float8 as idle_ms,
  x.counters_ms,
  (pg_stat_get_tuples_inserted(t.oid) + pg_stat_get_tuples_updated(t.oid)
    - pg_stat_get_tuples_hot_updated(t.oid))::float8 as writes,
  format(case when i.relkind = 'I' then 'drop index %I.%I;' else 'drop index concurrently %I.%I;' end, n.nspname, i.relname) as fix,
  pg_get_indexdef(x.indexrelid) || ';' as undo
from u x
join pg_class i on i.oid = x.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = x.indrelid
order by i.relpages desc;
\endif

\echo
\echo '== Indexes that are there twice'
\echo 'Both are written on every change, and only one is ever needed.'
\if :pg15
with x as materialized (
  select x.indexrelid, x.indrelid, x.indisprimary, x.indisunique, x.indisreplident,
    exists (select from pg_constraint k where k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x')) as constrained,
    exists (select from pg_constraint k where k.conindid = x.indexrelid and k.contype = 'f') as referenced,
    concat_ws('|', i.relam, x.indkey, x.indclass, x.indcollation, x.indoption, x.indisexclusion, x.indisunique and x.indnullsnotdistinct, coalesce(regexp_replace(x.indexprs::text, ':location -?\d+', '', 'g'), ''), coalesce(regexp_replace(x.indpred::text, ':location -?\d+', '', 'g'), '')) as shape
  from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = x.indrelid
join pg_am m on m.oid = i.relam
  where x.indisvalid and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%' and not exists (select from pg_inherits h where h.inhrelid = x.indexrelid)
),
ranked as (
  select x.*, row_number() over best as place, first_value(x.indexrelid) over best as keeper
  from x
  window best as (partition by x.indrelid, x.shape
    order by x.indisprimary desc, x.referenced desc, x.constrained desc, x.indisunique desc, x.indisreplident desc, x.indexrelid)
)
select format('%I.%I', n.nspname, i.relname) as index,
  format('%I.%I', s.nspname, t.relname) as "table",
  (select format('%I.%I', n.nspname, k.relname) from pg_class k where k.oid = r.keeper) as kept,
  i.relpages * current_setting('block_size')::float8 as bytes,
  r.constrained,
  case when r.constrained
    then (select format('alter table %I.%I drop constraint %I;', s.nspname, t.relname, k.conname)
      from pg_constraint k where k.conindid = r.indexrelid and k.contype in ('p', 'u', 'x') limit 1)
    else format(case when i.relkind = 'I' then 'drop index %I.%I;' else 'drop index concurrently %I.%I;' end, n.nspname, i.relname) end as fix
from ranked r
join pg_class i on i.oid = r.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = r.indrelid
join pg_namespace s on s.oid = t.relnamespace
where r.place > 1 and not r.referenced and not r.indisreplident
order by i.relpages desc
limit 100;
\else
with x as materialized (
  select x.indexrelid, x.indrelid, x.indisprimary, x.indisunique, x.indisreplident,
    exists (select from pg_constraint k where k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x')) as constrained,
    exists (select from pg_constraint k where k.conindid = x.indexrelid and k.contype = 'f') as referenced,
    concat_ws('|', i.relam, x.indkey, x.indclass, x.indcollation, x.indoption, x.indisexclusion, coalesce(regexp_replace(x.indexprs::text, ':location -?\d+', '', 'g'), ''), coalesce(regexp_replace(x.indpred::text, ':location -?\d+', '', 'g'), '')) as shape
  from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = x.indrelid
join pg_am m on m.oid = i.relam
  where x.indisvalid and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%' and not exists (select from pg_inherits h where h.inhrelid = x.indexrelid)
),
ranked as (
  select x.*, row_number() over best as place, first_value(x.indexrelid) over best as keeper
  from x
  window best as (partition by x.indrelid, x.shape
    order by x.indisprimary desc, x.referenced desc, x.constrained desc, x.indisunique desc, x.indisreplident desc, x.indexrelid)
)
select format('%I.%I', n.nspname, i.relname) as index,
  format('%I.%I', s.nspname, t.relname) as "table",
  (select format('%I.%I', n.nspname, k.relname) from pg_class k where k.oid = r.keeper) as kept,
  i.relpages * current_setting('block_size')::float8 as bytes,
  r.constrained,
  case when r.constrained
    then (select format('alter table %I.%I drop constraint %I;', s.nspname, t.relname, k.conname)
      from pg_constraint k where k.conindid = r.indexrelid and k.contype in ('p', 'u', 'x') limit 1)
    else format(case when i.relkind = 'I' then 'drop index %I.%I;' else 'drop index concurrently %I.%I;' end, n.nspname, i.relname) end as fix
from ranked r
join pg_class i on i.oid = r.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = r.indrelid
join pg_namespace s on s.oid = t.relnamespace
where r.place > 1 and not r.referenced and not r.indisreplident
order by i.relpages desc
limit 100;
\endif

\echo
\echo '== Indexes that a longer one covers'
\echo 'The longer index answers the same conditions; the shorter is written on every change for what little it is smaller.'
with x as materialized (
  select x.indexrelid, x.indrelid, x.indnkeyatts, x.indnatts, x.indisunique, x.indisreplident,
    x.indkey::text || ' ' as keys, x.indclass::text || ' ' as classes,
    x.indcollation::text || ' ' as collations, x.indoption::text || ' ' as options,
    coalesce(regexp_replace(x.indpred::text, ':location -?\d+', '', 'g'), '') as predicate, i.relname, i.relpages, i.relkind, n.nspname,
    t.relname as table_name, t.relnamespace as table_schema
  from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = x.indrelid
join pg_am m on m.oid = i.relam
  where x.indisvalid and m.amname = 'btree' and x.indexprs is null
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%' and not exists (select from pg_inherits h where h.inhrelid = x.indexrelid)
)
select distinct on (x.relpages, x.indexrelid) format('%I.%I', x.nspname, x.relname) as index,
  (select format('%I.%I', s.nspname, x.table_name) from pg_namespace s where s.oid = x.table_schema) as "table",
  format('%I.%I', b.nspname, b.relname) as covered_by,
  x.relpages * current_setting('block_size')::float8 as bytes,
  b.relpages * current_setting('block_size')::float8 as covering_bytes,
  format(case when x.relkind = 'I' then 'drop index %I.%I;' else 'drop index concurrently %I.%I;' end, x.nspname, x.relname) as fix
from x join x b on b.indrelid = x.indrelid and b.indexrelid <> x.indexrelid
  and b.predicate = x.predicate
  and starts_with(b.keys, x.keys) and b.keys <> x.keys and b.indnkeyatts >= x.indnkeyatts
  and starts_with(b.classes, x.classes) and starts_with(b.collations, x.collations)
  and starts_with(b.options, x.options)
where not x.indisunique and not x.indisreplident and x.indnatts = x.indnkeyatts
  and not exists (select from pg_constraint k where k.conindid = x.indexrelid)
order by x.relpages desc, x.indexrelid, b.relpages
limit 100;

\echo
\echo '== Indexes whose build failed'
\echo 'No statement may use it, yet every write keeps it up; a unique one may be believed to guard what it does not.'
select format('%I.%I', n.nspname, i.relname) as index,
  (select format('%I.%I', s.nspname, t.relname) from pg_namespace s where s.oid = t.relnamespace) as "table",
  i.relpages * current_setting('block_size')::float8 as bytes,
  i.relkind = 'I' as partitioned,
  i.relname ~ '_cc(new|old)\d*$' as leftover,
  format(case when i.relkind = 'I' then 'drop index %I.%I;' else 'drop index concurrently %I.%I;' end, n.nspname, i.relname) as drop,
  format('reindex index concurrently %I.%I;', n.nspname, i.relname) as rebuild
from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_namespace n on n.oid = i.relnamespace
join pg_class t on t.oid = x.indrelid
join pg_am m on m.oid = i.relam
where not x.indisvalid and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
  and not exists (select from pg_stat_progress_create_index p
    where p.index_relid = x.indexrelid or p.relid = x.indrelid)
order by i.relpages desc
limit 100;

\echo
\echo '== Foreign keys without an index'
\echo 'Deleting a row of the referenced table, or changing its key, reads the whole referencing table, once for each row, with the row locked; joins along the key read it whole too.'
with k as materialized (
  select k.conname, k.conkey, k.conrelid, k.confrelid, t.relname, t.relkind, n.nspname,
    case when t.relkind = 'p'
      then (select sum(greatest(l.reltuples, 0)) from pg_partition_tree(t.oid) p join pg_class l on l.oid = p.relid where p.isleaf)
      else t.reltuples end::float8 as rows
  from pg_constraint k
  join pg_class t on t.oid = k.conrelid
  join pg_namespace n on n.oid = t.relnamespace
  where k.contype = 'f' and k.conparentid = 0 and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
    and not exists (select from pg_index x
      where x.indrelid = k.conrelid and x.indisvalid and x.indpred is null
        and (x.indkey::int2[])[0 : cardinality(k.conkey) - 1] @> k.conkey)
)
select k.conname::text as name, format('%I.%I', k.nspname, k.relname) as "table",
  (select format('%I.%I', n.nspname, c.relname) from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where c.oid = k.confrelid) as parent,
  c.names as columns,
  k.conrelid::int8::float8 as relation,
  c.key,
  k.rows,
  pg_stat_get_tuples_deleted(k.confrelid)::float8 as parent_deletes,
  k.relkind = 'p' as partitioned,
  format(case when k.relkind = 'p' then 'create index on %I.%I (%s);' else 'create index concurrently on %I.%I (%s);' end,
    k.nspname, k.relname, c.names) as fix
from k
cross join lateral (select string_agg(quote_ident(a.attname), ', ' order by u.place) as names,
    array_agg(a.attname::text order by u.place) as key
  from unnest(k.conkey) with ordinality u (number, place)
  join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number) c
where k.rows >= :foreignKeyRowsMin
  or (k.rows >= :foreignKeyDeletedRowsMin and pg_stat_get_tuples_deleted(k.confrelid) > 0)
order by k.rows desc
limit 100;

\echo
\echo '== Constraints that were never validated'
\echo 'Rows from before may break it, and the planner does not rely on it.'
\if :pg18
select k.conname::text as name, format('%I.%I', n.nspname, t.relname) as "table",
  case k.contype when 'f' then 'foreign key' when 'n' then 'not null' else 'check' end as kind,
  format('alter table %I.%I validate constraint %I;', n.nspname, t.relname, k.conname) as fix
from pg_constraint k
join pg_class t on t.oid = k.conrelid
join pg_namespace n on n.oid = t.relnamespace
where not k.convalidated and k.conparentid = 0 and k.coninhcount = 0 and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
  and k.conenforced
order by 2, 1
limit 100;
\else
select k.conname::text as name, format('%I.%I', n.nspname, t.relname) as "table",
  case k.contype when 'f' then 'foreign key' when 'n' then 'not null' else 'check' end as kind,
  format('alter table %I.%I validate constraint %I;', n.nspname, t.relname, k.conname) as fix
from pg_constraint k
join pg_class t on t.oid = k.conrelid
join pg_namespace n on n.oid = t.relnamespace
where not k.convalidated and k.conparentid = 0 and k.coninhcount = 0 and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
order by 2, 1
limit 100;
\endif

\echo
\echo '== Sequences that run out'
\echo 'At the end every insert fails, and widening the column then rewrites the table while everyone waits.'
with s as materialized (
  select n.nspname as schemaname, c.relname as sequencename, c.oid, q.seqmax as max_value,
    format_type(q.seqtypid, null) as data_type, r.readable, count(*) over () as sequences,
    case when r.readable then pg_sequence_last_value(c.oid) end::float8 as last_value
  from pg_sequence q
  join pg_class c on c.oid = q.seqrelid
  join pg_namespace n on n.oid = c.relnamespace
  cross join lateral (select has_sequence_privilege(c.oid, 'select, usage') as readable) r
  where not q.seqcycle and q.seqincrement > 0 and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
    and (c.relpersistence = 'p' or not pg_is_in_recovery())
),
near as materialized (
  select * from s
  where not s.readable or s.last_value >= :sequenceWarningShare * least(s.max_value, 32767)
),
judged as (
  select distinct on (s.oid) s.*,
    case when t.oid is not null then format('%I.%I', n.nspname, t.relname) end as table_name, a.attname as column_name,
    format_type(a.atttypid, null) as type,
    least(s.max_value, case a.atttypid when 'int2'::regtype then 32767 when 'int4'::regtype then 2147483647
      else 9223372036854775807 end)::float8 as limit_value
  from near s
  left join lateral (
    select d.refobjid as relation, d.refobjsubid as number
    from pg_depend d
    where d.classid = 'pg_class'::regclass and d.objid = s.oid and d.refclassid = 'pg_class'::regclass
      and d.deptype in ('a', 'i') and d.refobjsubid > 0
    union
    select f.adrelid, f.adnum
    from pg_depend d join pg_attrdef f on f.oid = d.objid
    where d.refclassid = 'pg_class'::regclass and d.refobjid = s.oid and d.classid = 'pg_attrdef'::regclass
  ) u on true
  left join pg_class t on t.oid = u.relation
  left join pg_namespace n on n.oid = t.relnamespace
  left join pg_attribute a on a.attrelid = u.relation and a.attnum = u.number
  order by s.oid, a.attlen, t.oid
)
select format('%I.%I', j.schemaname, j.sequencename) as sequence,
  case when j.column_name is not null then format('%s.%I', j.table_name, j.column_name) end as column_of, j.type,
  j.last_value, j.limit_value, j.sequences::float8 as sequences,
  array_remove(array[
    case when j.type in ('smallint', 'integer')
      then format('alter table %s alter column %I type bigint;', j.table_name, j.column_name) end,
    case when j.data_type <> 'bigint' or j.max_value < 9223372036854775807
      then format('alter sequence %I.%I as bigint maxvalue 9223372036854775807;', j.schemaname, j.sequencename) end
  ], null) as fix
from judged j
where not j.readable or j.last_value / j.limit_value >= :sequenceWarningShare
order by j.readable desc, j.last_value / j.limit_value desc nulls last
limit 100;

\echo
\echo '== Large tables that are read whole'
\echo 'Each such scan reads every row to find a few; with an index it would read those alone.'
with t as materialized (
  select format('%I.%I', n.nspname, c.relname) as "table", pg_stat_get_live_tuples(c.oid)::float8 as live,
    pg_stat_get_numscans(c.oid)::float8 as scans, pg_stat_get_tuples_returned(c.oid)::float8 as rows_read,
    coalesce((select sum(pg_stat_get_numscans(x.indexrelid)) from pg_index x where x.indrelid = c.oid), 0)::float8 as index_scans
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
    and pg_stat_get_live_tuples(c.oid) >= :sequentialScansRowsMin
    and pg_stat_get_tuples_returned(c.oid) >= :sequentialScansRowsReadMin
)
select t.* from t
where t.scans / greatest(t.scans + t.index_scans, 1) > :sequentialScansShare
order by t.rows_read desc
limit 100;

\echo
\echo '== Space in tables that holds no rows'
\echo 'Scans read the empty pages too, and they push useful ones out of memory.'
with t as materialized (
  select c.oid, c.relname, n.nspname, c.relpages, c.reltuples::float8 as rows,
    coalesce((select o.option_value::float8 from pg_options_to_table(c.reloptions) o
      where o.option_name = 'fillfactor'), 100) / 100 as fill
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and c.reltuples >= 0
    and c.relpages * current_setting('block_size')::float8 >= :tableBloatWarningBytes and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
  order by c.relpages desc limit 100
),
widths as (
  select t.oid, count(*) as columns, count(a.width) as known, sum(a.width) as width,
    sum(case when a.previous is null or a.previous <= 0 or a.previous % a.alignment <> 0
      then a.alignment - 1 else 0 end) filter (where a.place > 1) as padding
  from t
  cross join lateral (
    select (case a.attalign when 'd' then 8 when 'i' then 4 when 's' then 2 else 1 end) as alignment, lag(a.attlen) over (order by a.attnum) as previous,
      row_number() over (order by a.attnum) as place,
      coalesce(
      (select s.avg_width * (1 - s.null_frac) from pg_stats s
        where s.schemaname = t.nspname and s.tablename = t.relname and s.attname = a.attname and not s.inherited),
      case when a.attlen > 0 then a.attlen end)::float8 as width
    from pg_attribute a
    where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped) a
  group by t.oid
),
sized as (
  select t.*, w.known < w.columns as hidden,
    4 + (ceil((23 + w.columns / 8 + 1) / 8.0) * 8) as overhead, w.width, w.padding
  from t join widths w on w.oid = t.oid
)
select format('%I.%I', s.nspname, s.relname) as name, format('%I.%I', s.nspname, s.relname) as "table",
  s.relpages * current_setting('block_size')::float8 as bytes, s.rows,
  case when not s.hidden then ceil(s.rows * (s.overhead + (ceil((s.width + coalesce(s.padding, 0)) / 8.0) * 8))
    / ((current_setting('block_size')::float8 - 24) * s.fill)) * current_setting('block_size')::float8 end::float8 as needed_bytes_max,
  case when not s.hidden then ceil(s.rows * (s.overhead + (ceil((s.width) / 8.0) * 8))
    / ((current_setting('block_size')::float8 - 24) * s.fill)) * current_setting('block_size')::float8 end::float8 as needed_bytes_min,
  format('vacuum (full, analyze) %I.%I;', s.nspname, s.relname) as fix
from sized s
order by s.relpages desc;

\echo
\echo '== Space in b-tree indexes that holds no entries'
\echo 'Look-ups touch more pages than they need, and memory holds half-empty ones.'
with i as materialized (
  select i.oid, i.relname, n.nspname, i.relpages, i.reltuples::float8 as rows, x.indkey, x.indrelid,
    t.relname as table_name, s.nspname as table_schema,
    coalesce((select o.option_value::float8 from pg_options_to_table(i.reloptions) o
      where o.option_name = 'fillfactor'), 90) / 100 as fill
  from pg_class i
  join pg_namespace n on n.oid = i.relnamespace
  join pg_am m on m.oid = i.relam and m.amname = 'btree'
  join pg_index x on x.indexrelid = i.oid
  join pg_class t on t.oid = x.indrelid
  join pg_namespace s on s.oid = t.relnamespace
  where i.relkind = 'i' and i.reltuples >= 0 and x.indisvalid
    and i.relpages * current_setting('block_size')::float8 >= :indexBloatBytes and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
  order by i.relpages desc limit 100
),
widths as (
  select i.oid, count(*) as columns, count(a.width) as known, sum(a.width) as width,
    sum(a.alignment - 1) filter (where a.place > 1) as padding
  from i
  cross join lateral (
    select a.attnum as place, (case a.attalign when 'd' then 8 when 'i' then 4 when 's' then 2 else 1 end) as alignment,
      case when i.indkey[a.attnum - 1] = 0 then coalesce(
      (select s.avg_width * (1 - s.null_frac) from pg_stats s
        where s.schemaname = i.nspname and s.tablename = i.relname and s.attname = a.attname and not s.inherited),
      case when a.attlen > 0 then a.attlen end)::float8
        else coalesce(
      (select s.avg_width * (1 - s.null_frac) from pg_stats s
        where s.schemaname = i.table_schema and s.tablename = i.table_name and s.attname = (select k.attname from pg_attribute k where k.attrelid = i.indrelid and k.attnum = i.indkey[a.attnum - 1]) and not s.inherited),
      case when a.attlen > 0 then a.attlen end)::float8 end as width
    from pg_attribute a
    where a.attrelid = i.oid and a.attnum > 0) a
  group by i.oid
),
sized as (
  select i.*, w.known < w.columns as hidden, w.width, w.padding,
    4 + 8 as overhead
  from i join widths w on w.oid = i.oid
)
select format('%I.%I', s.nspname, s.relname) as name,
  format('%I.%I', s.table_schema, s.table_name) as "table",
  s.relpages * current_setting('block_size')::float8 as bytes, s.rows,
  case when not s.hidden then (1 + ceil(s.rows * (s.overhead + (ceil((s.width + coalesce(s.padding, 0)) / 8.0) * 8))
    / ((current_setting('block_size')::float8 - 40) * s.fill))) * current_setting('block_size')::float8 end::float8 as needed_bytes_max,
  case when not s.hidden then (1 + ceil(s.rows * (s.overhead + (ceil((s.width) / 8.0) * 8))
    / ((current_setting('block_size')::float8 - 40) * s.fill))) * current_setting('block_size')::float8 end::float8 as needed_bytes_min,
  format('reindex index concurrently %I.%I;', s.nspname, s.relname) as fix
from sized s
order by s.relpages desc;

\echo
\echo '== Dead rows that vacuum did not remove'
\echo 'Scans read dead rows and skip them, indexes point at them, and the table grows instead of using their space.'
\if :pg18
with d as materialized (
  select c.oid, c.relname, n.nspname, c.reloptions, pg_stat_get_dead_tuples(c.oid)::float8 as dead,
    pg_stat_get_live_tuples(c.oid)::float8 as live,
    coalesce((select o.option_value::float8 from pg_options_to_table(c.reloptions) o where o.option_name = 'autovacuum_vacuum_threshold'), current_setting('autovacuum_vacuum_threshold')::float8)
      + coalesce((select o.option_value::float8 from pg_options_to_table(c.reloptions) o where o.option_name = 'autovacuum_vacuum_scale_factor'), current_setting('autovacuum_vacuum_scale_factor')::float8) * greatest(c.reltuples, 0) as base,
    coalesce((extract(epoch from clock_timestamp() - greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid))) * 1000)::float8, (select (extract(epoch from clock_timestamp() - coalesce(d.stats_reset, pg_postmaster_start_time())) * 1000)::float8 from pg_stat_database d where d.datname = current_database())) as lag_ms,
    greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) is null as never
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and pg_stat_get_dead_tuples(c.oid) >= :deadRowsMin and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
)
select format('%I.%I', d.nspname, d.relname) as "table", d.dead, d.live, least(d.base, nullif(coalesce((select o.option_value::float8 from pg_options_to_table(d.reloptions) o where o.option_name = 'autovacuum_vacuum_max_threshold'), current_setting('autovacuum_vacuum_max_threshold')::float8), -1))::float8 as trigger,
  d.lag_ms, d.never, format('vacuum (verbose, analyze) %I.%I;', d.nspname, d.relname) as fix
from d
where d.dead > least(d.base, nullif(coalesce((select o.option_value::float8 from pg_options_to_table(d.reloptions) o where o.option_name = 'autovacuum_vacuum_max_threshold'), current_setting('autovacuum_vacuum_max_threshold')::float8), -1)) and d.lag_ms >= :vacuumLagMs
order by d.dead desc
limit 100;
\else
with d as materialized (
  select c.oid, c.relname, n.nspname, c.reloptions, pg_stat_get_dead_tuples(c.oid)::float8 as dead,
    pg_stat_get_live_tuples(c.oid)::float8 as live,
    coalesce((select o.option_value::float8 from pg_options_to_table(c.reloptions) o where o.option_name = 'autovacuum_vacuum_threshold'), current_setting('autovacuum_vacuum_threshold')::float8)
      + coalesce((select o.option_value::float8 from pg_options_to_table(c.reloptions) o where o.option_name = 'autovacuum_vacuum_scale_factor'), current_setting('autovacuum_vacuum_scale_factor')::float8) * greatest(c.reltuples, 0) as base,
    coalesce((extract(epoch from clock_timestamp() - greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid))) * 1000)::float8, (select (extract(epoch from clock_timestamp() - coalesce(d.stats_reset, pg_postmaster_start_time())) * 1000)::float8 from pg_stat_database d where d.datname = current_database())) as lag_ms,
    greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) is null as never
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and pg_stat_get_dead_tuples(c.oid) >= :deadRowsMin and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
)
select format('%I.%I', d.nspname, d.relname) as "table", d.dead, d.live, d.base::float8 as trigger,
  d.lag_ms, d.never, format('vacuum (verbose, analyze) %I.%I;', d.nspname, d.relname) as fix
from d
where d.dead > d.base and d.lag_ms >= :vacuumLagMs
order by d.dead desc
limit 100;
\endif

\echo
\echo '== Statistics that are out of date'
\echo 'The planner guesses by statistics: with old ones it picks plans for a table that no longer is.'
with c as materialized (
  select c.oid, c.relname, n.nspname, pg_stat_get_mod_since_analyze(c.oid)::float8 as modified,
    pg_stat_get_live_tuples(c.oid)::float8 as live,
    coalesce((select o.option_value::float8 from pg_options_to_table(c.reloptions) o where o.option_name = 'autovacuum_analyze_threshold'), current_setting('autovacuum_analyze_threshold')::float8)
      + coalesce((select o.option_value::float8 from pg_options_to_table(c.reloptions) o where o.option_name = 'autovacuum_analyze_scale_factor'), current_setting('autovacuum_analyze_scale_factor')::float8) * greatest(c.reltuples, 0) as trigger,
    coalesce((extract(epoch from clock_timestamp() - greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid))) * 1000)::float8, (select (extract(epoch from clock_timestamp() - coalesce(d.stats_reset, pg_postmaster_start_time())) * 1000)::float8 from pg_stat_database d where d.datname = current_database())) as lag_ms,
    greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) is null as never
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and pg_stat_get_mod_since_analyze(c.oid) >= :analyzeLagRowsMin
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
)
select format('%I.%I', c.nspname, c.relname) as "table", c.modified, c.live, c.trigger, c.lag_ms, c.never,
  format('analyze (verbose) %I.%I;', c.nspname, c.relname) as fix
from c
where c.modified > :analyzeLagTriggers * c.trigger and c.lag_ms >= :analyzeLagMs
order by c.modified desc
limit 100;

\echo
\echo '== Tables with autovacuum switched off'
\echo 'Dead rows stay, statistics grow old, and only the emergency vacuum against wraparound still comes, at the worst time.'
select format('%I.%I', n.nspname, c.relname) as "table",
  pg_stat_get_live_tuples(c.oid)::float8 as live,
  format('alter table %I.%I reset (autovacuum_enabled);', n.nspname, c.relname) as fix
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and c.reloptions is not null and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
  and exists (select from pg_options_to_table(c.reloptions) o
    where o.option_name = 'autovacuum_enabled' and not o.option_value::boolean)
order by c.relpages desc
limit 100;

\echo
\echo '== Transaction ids before wraparound'
\echo 'When they run out the server refuses every write until a vacuum of the whole database is done, which takes hours.'
with d as (
  select d.datname, 'transaction' as kind, age(d.datfrozenxid)::float8 as age from pg_database d
  union all
  select d.datname, 'multixact', mxid_age(d.datminmxid)::float8 from pg_database d
)
select d.datname::text as name, d.datname = current_database() as own, d.kind, d.age, 2144483647::float8 as usable,
  o.name as "table",
  case when o.name is not null then format('vacuum (freeze, verbose) %s;', o.name) end as fix
from d
left join lateral (
  select format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  left join pg_class t on t.oid = c.reltoastrelid
  where c.relkind in ('r', 'm') and d.datname = current_database()
  order by case d.kind when 'transaction' then greatest(age(c.relfrozenxid), age(t.relfrozenxid))
    else greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)) end desc
  limit 1) o on true
where d.age / 2144483647 >= :wraparoundWarningShare
order by d.age desc
limit 100;

\echo
\echo '== What holds vacuum back'
\echo 'Vacuum removes no row that somebody might still see: everything that died since this snapshot stays, in every table, and ids are not freed.'
with h as (
  select case when a.backend_type = 'walsender' then 'replica' else 'session' end as kind, a.pid::text as name,
    a.application_name as application,
    greatest(age(a.backend_xmin), age(a.backend_xid))::float8 as age, (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::float8 as ms,
    format('select pg_terminate_backend(pid) from pg_stat_activity where pid = %s and backend_start = %L;', a.pid, a.backend_start) as fix
  from pg_stat_activity a
  where (a.backend_xmin is not null or a.backend_xid is not null) and a.pid <> pg_backend_pid()
    and (a.datname = current_database() or a.datname is null)
    and a.backend_type in ('client backend', 'walsender')
  union all
  select 'slot', s.slot_name::text, null, greatest(age(s.xmin), age(s.catalog_xmin))::float8, null,
    format('select pg_drop_replication_slot(%L);', s.slot_name)
  from pg_replication_slots s
  where not s.active and (s.xmin is not null or s.catalog_xmin is not null)
  union all
  select 'prepared transaction', p.gid, p.owner::text, age(p.transaction)::float8, (extract(epoch from clock_timestamp() - p.prepared) * 1000)::float8,
    format('rollback prepared %L;', p.gid)
  from pg_prepared_xacts p
  where p.database = current_database()
)
select h.* from h
where h.ms >= :xminHolderMs or h.age >= :xminHolderXids
order by h.age desc
limit 100;

\echo
\echo '== Replication slots that nobody reads'
\echo 'A slot keeps every bit of WAL since it was last read: the disk fills up and the server stops; a logical one holds vacuum back as well.'
\if :pg17
select s.slot_name::text as name, s.slot_type as type, s.active, s.wal_status as status,
  pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, s.restart_lsn)::float8 as retained,
  (select nullif(p.setting, '-1')::float8 * 1024 * 1024 from pg_settings p where p.name = 'max_slot_wal_keep_size') as keep,
  case when not s.active then (extract(epoch from clock_timestamp() - s.inactive_since) * 1000)::float8 end as inactive_ms,
  format('select pg_drop_replication_slot(%L);', s.slot_name) as fix
from pg_replication_slots s
where not s.temporary
order by retained desc nulls last
limit 100;
\else
select s.slot_name::text as name, s.slot_type as type, s.active, s.wal_status as status,
  pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, s.restart_lsn)::float8 as retained,
  (select nullif(p.setting, '-1')::float8 * 1024 * 1024 from pg_settings p where p.name = 'max_slot_wal_keep_size') as keep,
  null::float8 as inactive_ms,
  format('select pg_drop_replication_slot(%L);', s.slot_name) as fix
from pg_replication_slots s
where not s.temporary
order by retained desc nulls last
limit 100;
\endif

\echo
\echo '== Replicas that lag behind'
\echo 'Reads there are old, and after a fail-over what was not replayed is missing or takes that long to come.'
select coalesce(nullif(r.application_name, ''), host(r.client_addr), r.pid::text) as name, r.state,
  (extract(epoch from r.replay_lag) * 1000)::float8 as lag_ms,
  pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, r.replay_lsn)::float8 as lag_bytes, false as standby
from pg_stat_replication r
where r.state is distinct from 'backup'
union all
select 'this server', 'standby',
  case when pg_last_wal_receive_lsn() is distinct from pg_last_wal_replay_lsn()
    then (extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8 else 0 end,
  pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8, true
where pg_is_in_recovery()
order by 4 desc nulls last
limit 100;

\echo
\echo '== WAL archiving'
\echo 'What is not archived is missing from backups, and stays on the disk until it is full.'
select a.failed_count::float8 as failed, (extract(epoch from clock_timestamp() - a.last_failed_time) * 1000)::float8 as failing_ms,
  (extract(epoch from clock_timestamp() - a.last_archived_time) * 1000)::float8 as archived_ms
from pg_stat_archiver a
where current_setting('archive_mode') <> 'off'
  and a.last_failed_time > coalesce(a.last_archived_time, '-infinity');

\echo
\echo '== pg_stat_statements'
\echo 'Without it nobody knows which statements take the server''s time: neither slow statements nor index advice can be told.'
select
  nullif(current_setting('shared_preload_libraries', true), '') is not null
    and current_setting('shared_preload_libraries', true) like '%pg\_stat\_statements%' as loaded,
  exists (select from pg_extension e where e.extname = 'pg_stat_statements') as created;

\echo
\echo '== Settings that put data or the service at risk'
\echo 'See each.'
with own as (
  select c.line, r.setrole = me.oid as mine
  from pg_db_role_setting r
  join pg_database d on d.datname = current_database() and r.setdatabase in (0, d.oid)
  join pg_roles me on me.rolname = session_user
  cross join unnest(r.setconfig) c (line)
)
select s.name, s.reset_val as value,
  s.source = 'client' or exists (select from own where own.mine and starts_with(own.line, s.name || '=')) as hidden,
  exists (select from own where not own.mine and starts_with(own.line, s.name || '=')
    and split_part(own.line, '=', 2) not in ('0', 'off', 'false', 'no')) as overridden
from pg_settings s
where s.name in ('fsync', 'full_page_writes', 'autovacuum', 'track_counts', 'zero_damaged_pages', 'track_activities', 'idle_in_transaction_session_timeout', 'statement_timeout', 'track_io_timing')
order by s.name;

\echo
\echo '== Counters since their reset'
\echo 'Ratios and rates of these are judged by hasten-doctor between two readings.'
\if :has_pg_stat_statements
\if :pg17
select (extract(epoch from clock_timestamp()) * 1000)::float8 as "atMs",
  (extract(epoch from d.stats_reset) * 1000)::float8 as "resetAtMs",
  (extract(epoch from pg_postmaster_start_time()) * 1000)::float8 as "startedAtMs",
  d.xact_commit::float8 as commits,
  d.xact_rollback::float8 as rollbacks,
  d.deadlocks::float8 as deadlocks,
  d.blks_hit::float8 as "pagesHit",
  d.blks_read::float8 as "pagesRead",
  d.temp_files::float8 as "tempFiles",
  d.temp_bytes::float8 as "tempBytes",
  c.timed::float8 as "checkpointsTimed",
  c.requested::float8 as "checkpointsRequested",
  (select dealloc::float8 from :"pg_stat_statements".pg_stat_statements_info) as "statementsEvicted"
from pg_stat_database d, (select num_timed as timed, num_requested as requested from pg_stat_checkpointer) c
where d.datname = current_database();
\else
select (extract(epoch from clock_timestamp()) * 1000)::float8 as "atMs",
  (extract(epoch from d.stats_reset) * 1000)::float8 as "resetAtMs",
  (extract(epoch from pg_postmaster_start_time()) * 1000)::float8 as "startedAtMs",
  d.xact_commit::float8 as commits,
  d.xact_rollback::float8 as rollbacks,
  d.deadlocks::float8 as deadlocks,
  d.blks_hit::float8 as "pagesHit",
  d.blks_read::float8 as "pagesRead",
  d.temp_files::float8 as "tempFiles",
  d.temp_bytes::float8 as "tempBytes",
  c.timed::float8 as "checkpointsTimed",
  c.requested::float8 as "checkpointsRequested",
  (select dealloc::float8 from :"pg_stat_statements".pg_stat_statements_info) as "statementsEvicted"
from pg_stat_database d, (select checkpoints_timed as timed, checkpoints_req as requested from pg_stat_bgwriter) c
where d.datname = current_database();
\endif
\else
\if :pg17
select (extract(epoch from clock_timestamp()) * 1000)::float8 as "atMs",
  (extract(epoch from d.stats_reset) * 1000)::float8 as "resetAtMs",
  (extract(epoch from pg_postmaster_start_time()) * 1000)::float8 as "startedAtMs",
  d.xact_commit::float8 as commits,
  d.xact_rollback::float8 as rollbacks,
  d.deadlocks::float8 as deadlocks,
  d.blks_hit::float8 as "pagesHit",
  d.blks_read::float8 as "pagesRead",
  d.temp_files::float8 as "tempFiles",
  d.temp_bytes::float8 as "tempBytes",
  c.timed::float8 as "checkpointsTimed",
  c.requested::float8 as "checkpointsRequested",
  null::float8 as "statementsEvicted"
from pg_stat_database d, (select num_timed as timed, num_requested as requested from pg_stat_checkpointer) c
where d.datname = current_database();
\else
select (extract(epoch from clock_timestamp()) * 1000)::float8 as "atMs",
  (extract(epoch from d.stats_reset) * 1000)::float8 as "resetAtMs",
  (extract(epoch from pg_postmaster_start_time()) * 1000)::float8 as "startedAtMs",
  d.xact_commit::float8 as commits,
  d.xact_rollback::float8 as rollbacks,
  d.deadlocks::float8 as deadlocks,
  d.blks_hit::float8 as "pagesHit",
  d.blks_read::float8 as "pagesRead",
  d.temp_files::float8 as "tempFiles",
  d.temp_bytes::float8 as "tempBytes",
  c.timed::float8 as "checkpointsTimed",
  c.requested::float8 as "checkpointsRequested",
  null::float8 as "statementsEvicted"
from pg_stat_database d, (select checkpoints_timed as timed, checkpoints_req as requested from pg_stat_bgwriter) c
where d.datname = current_database();
\endif
\endif

\echo
\echo '== The largest tables'
\echo 'Sizes as of the last vacuum or analyze, indexes and TOAST included.'
with largest as materialized (
  select c.oid, c.relname, n.nspname, c.relpages, c.reltoastrelid
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and c.relpages > 0 and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
  order by c.relpages desc limit 20
)
select format('%I.%I', l.nspname, l.relname) as "table",
  ((l.relpages + coalesce((select t.relpages from pg_class t where t.oid = l.reltoastrelid), 0)
    + coalesce((select sum(i.relpages) from pg_index x join pg_class i on i.oid = x.indexrelid
        where x.indrelid = l.oid), 0)) * current_setting('block_size')::float8)::float8 as bytes,
  pg_stat_get_live_tuples(l.oid)::float8 as rows,
  pg_stat_get_dead_tuples(l.oid)::float8 as "deadRows",
  pg_stat_get_numscans(l.oid)::float8 as "sequentialScans",
  pg_stat_get_tuples_returned(l.oid)::float8 as "sequentialRowsRead",
  coalesce((select sum(pg_stat_get_numscans(x.indexrelid)) from pg_index x
    where x.indrelid = l.oid), 0)::float8 as "indexScans"
from largest l
order by bytes desc;

\echo
\echo '== All tables together'
\echo 'Good: dead below 5 % of live and dead, index scans above 95 % of the scans of tables of at least 10,000 rows, pages hit above 90 %.'
with t as materialized (
  select c.oid, pg_stat_get_live_tuples(c.oid)::float8 as live,
    pg_stat_get_dead_tuples(c.oid)::float8 as dead,
    pg_stat_get_numscans(c.oid)::float8 as scans
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp\_%' and n.nspname not like 'pg\_toast\_temp\_%'
)
select sum(t.live) as live, sum(t.dead) as dead,
  sum(t.scans) filter (where t.live >= 10000) as "sequentialScans",
  sum((select sum(pg_stat_get_numscans(x.indexrelid)) from pg_index x where x.indrelid = t.oid))
    filter (where t.live >= 10000)::float8 as "indexScans",
  (select sum(c.relpages) * current_setting('block_size')::float8 from pg_class c
    where c.relkind in ('r', 'm', 'i', 't')) as "databaseBytes"
from t;

rollback;
