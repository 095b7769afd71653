-- What the API knows about its own storage, apart from the resources.
create schema metrics_api;

-- One row. A copy made by a storage switch has the id of what it was copied from and the next
-- epoch; it is `copy` until the API goes on with it, then `live`.
create table metrics_api.system (
  only_row boolean primary key default true check (only_row),
  id uuid not null default gen_random_uuid(),
  epoch bigint not null default 1,
  state text not null default 'live' check (state in ('live', 'copy')),
  copied_at timestamptz
);

insert into metrics_api.system default values;

-- How far the deterministic seed has come, so that a killed start goes on where it was.
create table metrics_api.seed (
  kind text primary key,
  rows_done bigint not null
);
