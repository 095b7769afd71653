-- One index for each filter, led by it and ended by the default order (newest update first), so
-- that a filtered page is read from the index whether by offset or by cursor.

create index domains_updated on domains (updated_at desc, id desc);
create index domains_created on domains (created_at desc, id desc);
create unique index domains_name_unique on domains (name);
create index domains_owner_team on domains (owner_team, updated_at desc, id desc);

create index metrics_updated on metrics (updated_at desc, id desc);
create index metrics_created on metrics (created_at desc, id desc);
create index metrics_name on metrics (name, id);
create index metrics_category on metrics (category, updated_at desc, id desc);
create index metrics_tier on metrics (tier, updated_at desc, id desc);
create index metrics_owner on metrics (owner, updated_at desc, id desc);
create index metrics_business_domain on metrics (business_domain, updated_at desc, id desc);
create index metrics_tags on metrics using gin (tags);
create index metrics_search on metrics using gin (search);

create index objectives_updated on objectives (updated_at desc, id desc);
create index objectives_created on objectives (created_at desc, id desc);
create index objectives_name on objectives (name, id);
create index objectives_domain on objectives (domain_id, updated_at desc, id desc);
create index objectives_timeframe on objectives (timeframe, updated_at desc, id desc);

create index users_updated on users (updated_at desc, id desc);
create index users_created on users (created_at desc, id desc);
create index users_name on users (name, id);
create unique index users_email_unique on users (email);
create index users_role on users (role, updated_at desc, id desc);
create index users_active on users (updated_at desc, id desc) where active;
create index users_inactive on users (updated_at desc, id desc) where not active;
