-- The core of Miniflux's public schema, with the indexes that its authors had made by migration 60:
-- the doctor is to say which are missing, and which are not needed beside the others.
create type entry_status as enum ('unread', 'read', 'removed');
create table users (id serial primary key, username text not null unique, is_admin boolean default false, last_login_at timestamptz);
create table categories (id serial primary key, user_id int not null references users on delete cascade, title text not null, unique (user_id, title));
create table feeds (id bigserial primary key, user_id int not null references users on delete cascade,
  category_id int not null references categories on delete cascade, title text not null, feed_url text not null, site_url text not null,
  checked_at timestamptz default now(), next_check_at timestamptz default now(), parsing_error_count int default 0, disabled boolean default false,
  unique (user_id, feed_url));
create table entries (id bigserial primary key, user_id int not null references users on delete cascade,
  feed_id bigint not null references feeds on delete cascade, hash text not null, published_at timestamptz not null,
  changed_at timestamptz not null, created_at timestamptz not null default now(), title text not null, url text not null, content text,
  status entry_status default 'unread', starred boolean default false, share_code text not null default '', tags text[] default '{}',
  document_vectors tsvector, unique (feed_id, hash));
create table enclosures (id bigserial primary key, user_id int not null references users on delete cascade,
  entry_id bigint not null references entries on delete cascade, url text not null, size bigint default 0);
create index entries_feed_idx on entries (feed_id);
create index entries_user_status_idx on entries (user_id, status);
create index feeds_user_category_idx on feeds (user_id, category_id);
create index entries_user_feed_idx on entries (user_id, feed_id);
create index entries_id_user_status_idx on entries (id, user_id, status);
create index entries_feed_id_status_hash_idx on entries (feed_id, status, hash);
create index entries_user_id_status_starred_idx on entries (user_id, status, starred);
create index entries_feed_url_idx on entries (feed_id, url);
create index entries_user_status_feed_idx on entries (user_id, status, feed_id);
create index entries_user_status_changed_idx on entries (user_id, status, changed_at);
create unique index entries_share_code_idx on entries (share_code) where share_code <> '';
create unique index enclosures_user_entry_url_unique_idx on enclosures (user_id, entry_id, md5(url));
