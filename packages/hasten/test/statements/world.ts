/** The database of the soundness test: what is asked, what changes, and which tags a change drops. */
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { broadTag, rowTag } from "../../src/core/sql-tag.ts";
import { canonicalText } from "../../src/postgres/statements/canonical.ts";
import type { Interest } from "../../src/postgres/statements/interest.ts";
import { literal, quoted, RELATIONS } from "./queries.ts";
import { type Random, random } from "./random.ts";

const SCHEMA = `
create type kinds as enum ('news', 'note');
create table users (id int primary key, team int, name text, active bool);
create table posts (id int, author int references users on delete cascade on update cascade, kind kinds, token uuid, primary key (id, kind));
create table pairs (id int, code text, score int, primary key (id, code));
create table whole (id int, code text, active bool);
alter table whole replica identity full;
create table parts (id int, region int, name text, primary key (id, region)) partition by range (region);
create table parts_low partition of parts for values from (0) to (3);
create table parts_high partition of parts for values from (3) to (100) partition by range (id);
create table parts_high_all partition of parts_high default;
create table base (id int primary key, name text);
create table derived (extra int, primary key (id)) inherits (base);
create view authors as select u.id, u.name, p.kind from users u left join posts p on p.author = u.id and p.kind = 'news';
create view actives as select id, team from users where active;
create view nested as select a.id, a.name from authors a where exists (select 1 from actives x where x.id = a.id) union all select id, 'w' from whole where code = 'a';
create table seen (at bigserial primary key, relation oid, old jsonb, new jsonb);
create function note() returns trigger language plpgsql as $$ begin
  insert into seen (relation, old, new) values (tg_relid,
    case when tg_op in ('UPDATE', 'DELETE') then to_jsonb(old) end, case when tg_op in ('UPDATE', 'INSERT') then to_jsonb(new) end);
  return null; end $$;
create function note_all() returns trigger language plpgsql as $$ begin
  insert into seen (relation) values (tg_relid); return null; end $$;
create function also() returns trigger language plpgsql as $$ begin
  update whole set code = 'c' where id = new.id; return null; end $$;
create trigger also after update on users for each row execute function also();
create publication everything for all tables;
`;

const ROWS = ["users", "posts", "pairs", "whole", "parts", "base", "derived"];
const TRUNCATED = [...ROWS, "parts_low", "parts_high_all"];

export interface World extends AsyncDisposable {
  readonly client: pg.Client;
  readonly role: string;
  /** Changes something at random, and gives what the readers of changes would be told. */
  change(random: Random): Promise<readonly RowChange[]>;
}

export interface RowChange {
  readonly relation: number;
  /** Undefined for both: the rows are not known. */
  readonly old: Readonly<Record<string, unknown>> | null;
  readonly new: Readonly<Record<string, unknown>> | null;
}

export async function openWorld(): Promise<World> {
  const database = await freshDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(SCHEMA);
  for (const table of ROWS)
    await client.query(
      `create trigger note after insert or update or delete on ${table} for each row execute function note()`,
    );
  for (const table of TRUNCATED)
    await client.query(
      `create trigger note_all after truncate on ${table} for each statement execute function note_all()`,
    );
  const fill = random(77);
  for (const table of ROWS)
    for (let left = 8; left > 0; left--)
      await client.query(insertText(fill, table)).catch(() => undefined);
  const { rows } = await client.query("select current_user as role");
  return {
    client,
    role: rows[0].role,
    async change(rng) {
      await client.query("truncate seen");
      await client.query(changeText(rng)).catch((error: { code?: string }) => {
        // Keys that exist already: a change that did not happen.
        if (!["23505", "23503", "23514"].includes(error.code ?? "")) throw error;
      });
      return (await client.query("select relation::int, old, new from seen order by at")).rows;
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await database.drop();
    },
  };
}

function insertText(random: Random, table: string): string {
  const columns = Object.entries(RELATIONS[table]!);
  const values = columns.map(([, kind]) => quoted(literal(random, kind)));
  return `insert into ${table} (${columns.map(([name]) => name).join(", ")}) values (${values.join(", ")}) on conflict do nothing`;
}

function changeText(random: Random): string {
  const table = random.one(ROWS);
  const columns = Object.entries(RELATIONS[table]!);
  const [column, kind] = random.one(columns);
  const value = quoted(literal(random, kind));
  const [other, otherKind] = random.one(columns);
  const where = random.chance(0.95) ? `where ${other} = ${quoted(literal(random, otherKind))}` : "";
  const insert = insertText(random, table);
  const update = `update ${table} set ${column} = ${value} ${where}`;
  switch (random.below(18)) {
    case 0:
      return `delete from ${table} ${where} returning *`;
    case 1:
      return `with gone as (delete from ${table} ${where} returning *) select * from gone`;
    case 2:
      return random.chance(0.15) ? `truncate ${random.one(TRUNCATED)} cascade` : insert;
    case 3:
    case 4:
    case 5:
    case 6:
      return update;
    case 7:
      return `with u as (${update} returning ${table}.id) update users set name = 'b' where id in (select id from u)`;
    default:
      return insert;
  }
}

/** What the reader of changes drops: of OLD and NEW where they are known, else broadly. */
export function droppedBy(changes: readonly RowChange[], interest: Interest): Set<string> {
  const tags = new Set<string>();
  for (const change of changes)
    for (const { tableTag, columns } of interest.of(change.relation) ?? []) {
      tags.add(tableTag);
      const rows = [change.old, change.new].filter((row) => row !== null);
      if (rows.length === 0) tags.add(broadTag(tableTag));
      for (const row of rows)
        for (const [name, kind] of columns) {
          const value = row[name];
          if (value === null || value === undefined) continue;
          const text = typeof value === "boolean" ? (value ? "t" : "f") : String(value);
          tags.add(rowTag(tableTag, name, canonicalText(kind, text)!));
        }
    }
  return tags;
}
