-- Documents live in jsonb. What is filtered, sorted or unique is a column generated from the
-- document, so that the two cannot disagree. Text columns that order a page use collation "C":
-- the order then never changes with the server's locale or ICU version.

create table domains (
  id uuid primary key default gen_random_uuid(),
  document jsonb not null check (jsonb_typeof(document) = 'object'),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text collate "C" generated always as (document ->> 'name') stored not null,
  owner_team text collate "C" generated always as (document ->> 'owner_team') stored not null
);

-- The tags of a document as an array: unlike jsonb, an array has statistics of its elements, so that
-- the planner knows a rare tag from a common one and reads the right index for each.
create function metric_tags(document jsonb) returns text[]
  language sql immutable parallel safe strict
  return array(select jsonb_array_elements_text(coalesce(document -> 'tags', '[]'::jsonb)));

create table metrics (
  id uuid primary key default gen_random_uuid(),
  document jsonb not null check (jsonb_typeof(document) = 'object'),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text collate "C" generated always as (document ->> 'name') stored not null,
  category text collate "C" generated always as (document ->> 'category') stored not null,
  tier text collate "C" generated always as (document ->> 'tier') stored not null,
  owner text collate "C" generated always as (document ->> 'owner') stored not null,
  business_domain text collate "C" generated always as (document ->> 'business_domain') stored not null,
  tags text[] generated always as (metric_tags(document)) stored not null,
  search tsvector generated always as (
    setweight(to_tsvector('english', coalesce(document ->> 'name', '')), 'A') ||
    setweight(to_tsvector('english', coalesce(document ->> 'description', '')), 'B')
  ) stored not null
);

create table objectives (
  id uuid primary key default gen_random_uuid(),
  document jsonb not null check (jsonb_typeof(document) = 'object'),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text collate "C" generated always as (document ->> 'name') stored not null,
  domain_id uuid generated always as ((document ->> 'domain_id')::uuid) stored not null
    constraint objectives_domain_exists references domains (id),
  timeframe text collate "C" generated always as (document ->> 'timeframe') stored not null
);

create table users (
  id uuid primary key default gen_random_uuid(),
  document jsonb not null check (jsonb_typeof(document) = 'object'),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text collate "C" generated always as (document ->> 'name') stored not null,
  email text collate "C" generated always as (document ->> 'email') stored not null
    constraint users_email_lower_case check (email = lower(email)),
  role text collate "C" generated always as (document ->> 'role') stored not null
    constraint users_role_known check (role in ('viewer', 'editor', 'admin')),
  active boolean generated always as ((document ->> 'active')::boolean) stored not null,
  -- Demo accounts exist only in the embedded demo and are left out of every copy.
  demo boolean not null default false
);

-- Password hashes live apart from the documents: no read of a user can return one.
create table user_credentials (
  user_id uuid primary key references users (id) on delete cascade,
  password_hash text not null,
  updated_at timestamptz not null default now()
);
