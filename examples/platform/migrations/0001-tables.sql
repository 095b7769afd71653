-- Ten tables of a platform that turns blueprints into running infrastructure.
create table users (
  id uuid primary key default gen_random_uuid(),
  email text not null,
  display_name text not null,
  role text not null default 'member' check (role in ('member', 'operator', 'admin')),
  team text,
  active boolean not null default true,
  last_seen_at timestamptz,
  created_at timestamptz not null default now()
);

create table blueprints (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null references users,
  name text not null,
  version integer not null default 1,
  description text not null default '',
  provider text not null,
  tags text[] not null default '{}',
  template jsonb not null default '{}',
  published boolean not null default false,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table infrastructure (
  id uuid primary key default gen_random_uuid(),
  blueprint_id uuid references blueprints,
  owner_id uuid not null references users,
  name text not null,
  environment text not null check (environment in ('development', 'staging', 'production')),
  region text not null,
  status text not null default 'pending',
  labels jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);

create table deployments (
  id bigint generated always as identity primary key,
  infrastructure_id uuid not null references infrastructure on delete cascade,
  blueprint_id uuid references blueprints,
  started_by uuid not null references users,
  status text not null default 'queued',
  commit_sha text,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  error text
);

create table resources (
  id bigint generated always as identity primary key,
  infrastructure_id uuid not null references infrastructure on delete cascade,
  kind text not null,
  external_id text not null,
  region text not null,
  status text not null,
  properties jsonb not null default '{}',
  monthly_cost numeric(12, 2) not null default 0,
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);

create table cost_analysis (
  id bigint generated always as identity primary key,
  infrastructure_id uuid not null references infrastructure on delete cascade,
  resource_id bigint references resources on delete set null,
  day date not null,
  service text not null,
  amount numeric(14, 4) not null,
  currency char(3) not null default 'USD'
);

create table audit_logs (
  id bigint generated always as identity primary key,
  user_id uuid references users on delete set null,
  action text not null,
  entity_type text not null,
  entity_id text not null,
  detail jsonb not null default '{}',
  address inet,
  created_at timestamptz not null default now()
);

create table sessions (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users on delete cascade,
  token_hash bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);

create table api_keys (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users on delete cascade,
  name text not null,
  key_hash bytea not null,
  scopes text[] not null default '{}',
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now()
);

create table notifications (
  id bigint generated always as identity primary key,
  user_id uuid not null references users on delete cascade,
  kind text not null,
  title text not null,
  body text not null default '',
  payload jsonb not null default '{}',
  read_at timestamptz,
  created_at timestamptz not null default now()
);
