-- The core of Mastodon's public schema: timelines, follows, notifications. Keys and what its rules
-- need to be unique; every other index of its authors is left out, to see which are found again.
create table accounts (id bigint generated always as identity primary key, username text not null, domain text,
  display_name text not null default '', note text not null default '', locked boolean not null default false,
  uri text not null default '', suspended_at timestamp, created_at timestamp not null);
create table statuses (id bigint generated always as identity primary key, uri text, text text not null default '',
  account_id bigint not null references accounts on delete cascade, in_reply_to_id bigint references statuses on delete set null,
  in_reply_to_account_id bigint, reblog_of_id bigint references statuses on delete cascade, visibility int not null default 0,
  local boolean, reply boolean not null default false, language text, deleted_at timestamp,
  created_at timestamp not null, updated_at timestamp not null);
create table follows (id bigint generated always as identity primary key, account_id bigint not null references accounts on delete cascade,
  target_account_id bigint not null references accounts on delete cascade, created_at timestamp not null,
  unique (account_id, target_account_id));
create table favourites (id bigint generated always as identity primary key, account_id bigint not null references accounts on delete cascade,
  status_id bigint not null references statuses on delete cascade, created_at timestamp not null, unique (account_id, status_id));
create table mentions (id bigint generated always as identity primary key, status_id bigint references statuses on delete cascade,
  account_id bigint references accounts on delete cascade, silent boolean not null default false, unique (account_id, status_id));
create table notifications (id bigint generated always as identity primary key, activity_id bigint not null, activity_type text not null,
  account_id bigint not null references accounts on delete cascade, from_account_id bigint not null references accounts on delete cascade,
  type text, filtered boolean not null default false, created_at timestamp not null);
create table tags (id bigint generated always as identity primary key, name text not null default '', created_at timestamp not null);
create table statuses_tags (status_id bigint not null references statuses on delete cascade, tag_id bigint not null references tags on delete cascade,
  primary key (tag_id, status_id));
create table media_attachments (id bigint generated always as identity primary key, status_id bigint references statuses on delete set null,
  account_id bigint references accounts on delete set null, file_name text, created_at timestamp not null);
