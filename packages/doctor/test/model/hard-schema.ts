/** What real schemas hold that simple ones do not. `${}` where versions differ. */
export function hardSchema(major: number): string {
  return `
create schema "odd "" name";
create schema lib;
create extension pg_trgm schema lib;
create extension citext;
create type mood as enum ('sad', 'it''s ok', 'a\\b');
create domain email as text collate "C" check (value ~ '@');
create domain work_email as email;
create type address as (street text, "Zip Code" varchar(10), moods mood[]);
create type span as range (subtype = float8, subtype_diff = float8mi);
create collation lib.german (provider = icu, locale = 'de');
create collation lib.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create text search configuration lib.simple_english (copy = pg_catalog.english);
create function lib.slug(t text) returns text language sql immutable as $$ select lower(replace(t, ' ', '-')) $$;
create function lib.pick(j jsonb) returns text language plpgsql immutable as $$ begin return j ->> 'pick'; end $$;
create function watch() returns trigger language plpgsql as $$ begin return new; end $$;
create table lib.owners (id uuid primary key default gen_random_uuid(), name citext unique not null);
insert into lib.owners (name) select 'Owner ' || n from generate_series(1, 500) n;
create table "odd "" name"."Wide Table" (
  "Id" bigint generated always as identity primary key,
  "select" int not null,
  mail work_email,
  felt mood not null,
  home address,
  len span,
  period tstzrange not null,
  title text collate lib.german,
  tag text collate lib.nocase,
  doc jsonb not null,
  owner uuid references lib.owners (id),
  both_ text generated always as (lower(title)) stored,
  big text,
  check ("select" >= 0)
);
alter table "odd "" name"."Wide Table" drop column big;
insert into "odd "" name"."Wide Table" ("select", mail, felt, home, len, period, title, tag, doc, owner)
  select n, n || '@x', (array['sad', 'it''s ok', 'a\\b']::mood[])[1 + n % 3], row('s' || n, 'z', array['sad']::mood[])::address,
    span(n, n + 1), tstzrange('2025-01-01'::timestamptz + n * interval '1 hour', '2025-01-01'::timestamptz + (n + 5) * interval '1 hour'),
    'Title ' || n, 'tag ' || n % 50, jsonb_build_object('pick', n % 100), (select id from lib.owners limit 1 offset n % 500)
  from generate_series(1, 4000) n;
create index "by slug" on "odd "" name"."Wide Table" (lib.slug(title));
create index on "odd "" name"."Wide Table" (lib.pick(doc), "select") where felt = 'it''s ok';
create index on "odd "" name"."Wide Table" using gin (title lib.gin_trgm_ops);
create index on "odd "" name"."Wide Table" using gist (period);
create unique index on "odd "" name"."Wide Table" (mail text_pattern_ops) ${major >= 15 ? "nulls not distinct" : ""};
create trigger watched before insert on "odd "" name"."Wide Table" for each row execute function watch();
create statistics wide_stats (dependencies) on "select", felt from "odd "" name"."Wide Table";
create view "odd "" name".seen as select w."Id", o.name from "odd "" name"."Wide Table" w join lib.owners o on o.id = w.owner;
create view nested as select * from "odd "" name".seen where name > 'Owner 3';
create materialized view sums as select "select" % 10 as digit, count(*) from "odd "" name"."Wide Table" group by 1;
create unique index on sums (digit);
create unlogged table logs (id int, line text);
insert into logs select n, repeat('x', 3000) from generate_series(1, 1000) n;
create table empty_one (id int primary key);
create table never (id int, v text);
alter table never set (autovacuum_enabled = off);
insert into never select n, 'v' || n from generate_series(1, 5000) n;
create table regions (code text, town text, people int, primary key (code, town)) partition by list (code);
create table regions_a partition of regions for values in ('a') partition by hash (town);
create table regions_a0 partition of regions_a for values with (modulus 2, remainder 0);
create table regions_a1 partition of regions_a for values with (modulus 2, remainder 1);
create table regions_rest partition of regions default;
create index on regions (people);
insert into regions select (array['a', 'b', 'c'])[1 + n % 3], 'town ' || n, n from generate_series(1, 6000) n;
create table base (id int, at date); create table child_a (extra text) inherits (base);
create table child_b (check (at >= '2026-01-01')) inherits (base);
insert into base select n, '2025-01-01' from generate_series(1, 1000) n;
insert into child_a select n, '2025-06-01', 'e' from generate_series(1, 3000) n;
insert into child_b select n, '2026-06-01' from generate_series(1, 2000) n;
create index on base (id); create index on child_a (id);
create foreign data wrapper far; create server away foreign data wrapper far;
create foreign table remote (id int) server away;
`;
}

export const ANALYZE: string = `
analyze "odd "" name"."Wide Table"; analyze lib.owners; analyze sums; analyze logs;
analyze regions; analyze base; analyze child_a; analyze child_b; analyze empty_one`;

export const HARD_QUERIES: readonly string[] = [
  'select * from "odd "" name"."Wide Table" where "Id" = 7',
  'select "select" from "odd "" name"."Wide Table" where "select" < 100',
  'select "Id" from "odd "" name"."Wide Table" where mail = \'5@x\'',
  'select "Id" from "odd "" name"."Wide Table" where mail like \'5%\'',
  'select "Id" from "odd "" name"."Wide Table" where felt = \'it\'\'s ok\'',
  'select "Id" from "odd "" name"."Wide Table" where felt = \'it\'\'s ok\' and lib.pick(doc) = \'7\'',
  'select "Id" from "odd "" name"."Wide Table" where lib.slug(title) = \'title-7\'',
  'select "Id" from "odd "" name"."Wide Table" where title like \'%e 77%\'',
  'select "Id" from "odd "" name"."Wide Table" where period @> timestamptz \'2025-02-01\'',
  'select "Id" from "odd "" name"."Wide Table" where len && span(3, 5)',
  'select "Id" from "odd "" name"."Wide Table" where tag = \'TAG 7\'',
  'select "Id" from "odd "" name"."Wide Table" where (home).street = \'s7\'',
  'select "Id" from "odd "" name"."Wide Table" where both_ = \'title 7\'',
  "select * from lib.owners where name = 'OWNER 77'",
  "select * from nested",
  'select o.name, count(*) from "odd "" name"."Wide Table" w join lib.owners o on o.id = w.owner group by 1',
  "select * from sums where digit = 3",
  "select * from logs where id = 9",
  "select * from logs order by line limit 3",
  "select * from empty_one where id = 3",
  "select * from empty_one",
  "select * from never where id = 3",
  "select * from regions where code = 'a' and town = 'town 7'",
  "select * from regions where people between 5 and 90",
  "select * from regions r join regions s on s.people = r.people where r.code = 'b'",
  "select * from base where id = 17",
  "select count(*) from base where at = '2025-06-01'",
];
