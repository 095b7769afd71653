import pg from "pg";

/** In every table: what must never come back. */
export const CANARY = "CANARY-4711";

/** Tables with data, and what a user of the database could have left to wait for somebody with more rights. */
export const SCENE = `
create extension if not exists dblink;
create extension if not exists tablefunc;
create extension if not exists pg_trgm;
create extension if not exists citext;
create extension if not exists hstore;
create table secrets (id int primary key, secret text, amount numeric, at timestamptz default now(),
  data jsonb, tags text[], parent int, name text, active bool default true);
insert into secrets select g, '${CANARY}', g, '2026-01-01'::timestamptz + g * interval '1 hour',
  jsonb_build_object('k', '${CANARY}', 'n', g), array['a', '${CANARY}'], g / 2, 'name ' || g
  from generate_series(1, 500) g;
create table orders (id int primary key, secret_id int references secrets, total numeric, state text);
insert into orders select g, g, g * 1.5, case when g % 3 = 0 then 'open' else 'done' end
  from generate_series(1, 500) g;
create table effects (n int);
insert into effects values (1);
create sequence counter;
create type mood as enum ('sad', 'glad');
create domain positive as int check (value > 0);
create view totals as select secret_id, sum(total) as total from orders group by secret_id;
create view nested_totals as select t.* from totals t where t.total > 3;
create materialized view kept as select id, name from secrets;
create table parted (id int, at date, v mood, p positive) partition by range (at);
create table parted_1 partition of parted for values from ('2026-01-01') to ('2026-07-01');
insert into parted select g, '2026-02-01', 'glad', g from generate_series(1, 100) g;
select lo_create(4711);

create function evil() returns int language plpgsql as $$ begin perform nextval('public.counter'); return 1; end $$;
create function evil_stable(int) returns int stable language sql as $$ select nextval('public.counter')::int $$;
create function evil_immutable(int) returns int immutable language plpgsql as
  $$ begin perform nextval('public.counter'); return 1; end $$;
create function evil_read() returns text immutable language sql as $$ select secret from secrets limit 1 $$;
create function evil_bool(int) returns bool immutable language plpgsql as
  $$ begin perform nextval('public.counter'); return true; end $$;
create function evil_attribute(secrets) returns int stable language plpgsql as
  $$ begin perform nextval('public.counter'); return 1; end $$;
create function evil_record(record) returns int stable language plpgsql as
  $$ begin perform nextval('public.counter'); return 1; end $$;
create function evil_op(int, int) returns bool stable language plpgsql as
  $$ begin perform nextval('public.counter'); return true; end $$;
create operator === (leftarg = int, rightarg = int, function = evil_op);
create function evil_sum_state(int, int) returns int language plpgsql as
  $$ begin perform nextval('public.counter'); return 1; end $$;
create aggregate evil_sum(int) (sfunc = evil_sum_state, stype = int, initcond = '0');
create domain evil_domain as int check (evil_bool(value));
create type evil_pair as (a int, b evil_domain);
create view evil_view as select evil_stable(id) as id from secrets;
create view evil_nested as select * from evil_view where id > 0;
create view evil_builtin as select nextval('counter') as n, pg_sleep(0)::text as t;
create view evil_operator as select * from secrets where id === 3;
create view evil_insert_view as select * from secrets where set_config('work_mem', '64kB', false) <> '';
create table evil_policy (id int, name text);
insert into evil_policy values (1, '${CANARY}');
alter table evil_policy enable row level security;
create policy p on evil_policy using (evil_bool(id));
create table evil_columns (id int, d evil_domain);
create table evil_index (id int, name text);
insert into evil_index values (1, '${CANARY}');
create index on evil_index (id) where evil_immutable(1) = 1;
create table evil_check (id int check (evil_immutable(1) = 1));
create foreign data wrapper nowhere;
create server nowhere foreign data wrapper nowhere;
create foreign table far (n int) server nowhere;
create table near (n int);
create foreign table near_far () inherits (near) server nowhere;
create schema shadow;
create function shadow.upper(text) returns text immutable language plpgsql as
  $$ begin perform nextval('public.counter'); return 'x'; end $$;
create procedure evil_procedure() language sql as $$ insert into effects values (2) $$;
analyze secrets; analyze orders; analyze parted;
`;

/** Everything that a hostile statement could have changed, outside the doctor's own session. */
export const FINGERPRINT = `select json_build_object(
  'rows', (select json_agg(x) from (
    select (select md5(string_agg(s::text, ',' order by id)) from secrets s) a,
      (select md5(string_agg(o::text, ',' order by id)) from orders o) b,
      (select count(*) from effects) c, (select count(*) from parted) d) x),
  'xmin', (select json_agg(x) from (select max(xmin::text::bigint) a from secrets
    union all select max(xmax::text::bigint) from secrets) x),
  'sequence', (select json_agg(x) from (select last_value, is_called from counter) x),
  'relations', (select count(*) from pg_class), 'functions', (select count(*) from pg_proc),
  'attributes', (select count(*) from pg_attribute), 'types', (select count(*) from pg_type),
  'objects', (select count(*) from pg_largeobject_metadata),
  'pages', (select count(*) from pg_largeobject),
  'settings', (select json_agg(x) from pg_db_role_setting x where setdatabase =
    (select oid from pg_database where datname = current_database())),
  'locks', (select count(*) from pg_locks where locktype = 'advisory' and database =
    (select oid from pg_database where datname = current_database())),
  'prepared', (select count(*) from pg_prepared_xacts),
  'slots', (select json_agg(slot_name) from pg_replication_slots where database = current_database()),
  'sessions', (select json_agg(pid order by pid) from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend')) as mark`;

/** Settings, prepared statements, cursors and locks of the doctor's own session. */
export const SESSION_MARK = `select json_build_object(
  'settings', (select json_agg(name || '=' || setting order by name) from pg_settings
    where source <> 'default' and name <> 'search_path'),
  'prepared', (select count(*) from pg_prepared_statements),
  'cursors', (select count(*) from pg_cursors where name <> ''),
  'channels', (select count(*) from pg_listening_channels()),
  'locks', (select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory'),
  'user', current_user, 'pid', pg_backend_pid()) as mark`;

export async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
