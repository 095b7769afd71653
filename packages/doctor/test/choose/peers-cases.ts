/** The statements of Dexter's and PgHero's own tests, and what those tests expect for each. */
import type { Candidate } from "../../src/candidates/types.ts";
import { columnsCandidate } from "../../src/testing/candidate.ts";

export interface PeerCase {
  readonly peer: "Dexter" | "PgHero";
  readonly text: string;
  /** Columns of the index that it expects, or none. */
  readonly expected: readonly string[];
  /** Of which table, when it is not the peer's usual one. */
  readonly table?: string;
  readonly trigram?: boolean;
}

const dexter = (text: string, expected: readonly string[] = [], table?: string): PeerCase => ({
  peer: "Dexter",
  text,
  expected,
  ...(table !== undefined && { table }),
});
const pghero = (text: string, ...expected: readonly string[]): PeerCase => ({
  peer: "PgHero",
  text,
  expected,
});
const trigram = (text: string): PeerCase => ({ ...pghero(text, "email"), trigram: true });

export const DEXTER_SETUP = `
  create table posts (id int, blog_id int, user_id int, json json, jsonb jsonb, indexed int);
  insert into posts (id, blog_id, user_id, indexed)
    select n, n % 1000, n % 10, n from generate_series(1, 100000) n;
  create index on posts (indexed);
  create view posts_view as select id as view_id from posts;
  create materialized view posts_materialized as select * from posts;
  create schema "Bar";
  create table "Bar"."Foo" ("Id" int);
  insert into "Bar"."Foo" select * from generate_series(1, 100000)`;

export const PGHERO_SETUP = `
  create extension pg_trgm;
  create table cities (id int primary key, name text);
  insert into cities select n, 'City ' || n from generate_series(1, 100) n;
  create table states (id int primary key, name text);
  insert into states select n, 'State ' || n from generate_series(1, 50) n;
  create table users (
    id int, city_id int, login_attempts int, email text, zip_code text, active bool,
    created_at timestamp, updated_at timestamp);
  insert into users select n, n % 100, n % 30, 'person' || n || '@example.org',
    case when n % 50 = 0 then (10000 + n % 7)::text end, n % 2 = 0,
    timestamp '2026-01-01' + n * interval '1 hour', timestamp '2026-01-01' + n * interval '2 hours'
  from generate_series(1, 10000) n`;

export const CASES: readonly PeerCase[] = [
  dexter("SELECT * FROM posts WHERE id = 1", ["id"]),
  dexter("SELECT * FROM posts"),
  dexter("SELECT * FROM posts WHERE user_id = 1 ORDER BY blog_id LIMIT 1000", [
    "user_id",
    "blog_id",
  ]),
  dexter("UPDATE posts SET user_id = 2 WHERE user_id = 1", ["user_id"]),
  dexter("DELETE FROM posts WHERE user_id = 1", ["user_id"]),
  dexter("SELECT * FROM posts_view WHERE view_id = 1", ["id"]),
  dexter("SELECT * FROM posts_materialized WHERE id = 1", ["id"], "posts_materialized"),
  dexter("WITH cte AS (SELECT * FROM posts WHERE id = 1) SELECT * FROM cte", ["id"]),
  dexter("WITH cte AS (SELECT * FROM posts) SELECT * FROM cte WHERE id = 1", ["id"]),
  dexter("WITH cte AS MATERIALIZED (SELECT * FROM posts) SELECT * FROM cte WHERE id = 1"),
  dexter("WITH cte AS NOT MATERIALIZED (SELECT * FROM posts) SELECT * FROM cte WHERE id = 1", [
    "id",
  ]),
  dexter("SELECT * FROM posts ORDER BY user_id DESC LIMIT 10", ["user_id"]),
  dexter("SELECT * FROM posts ORDER BY user_id, blog_id LIMIT 10", ["user_id", "blog_id"]),
  dexter("SELECT * FROM posts ORDER BY user_id DESC, blog_id LIMIT 10", [
    "user_id desc",
    "blog_id",
  ]),
  dexter('SELECT * FROM "Bar"."Foo" WHERE "Id" = 10000', ["Id"], "Bar.Foo"),
  dexter("SELECT * FROM posts WHERE id = $1", ["id"]),
  dexter("SELECT 1"),
  dexter("SELECT +"),
  dexter("SELECT * FROM posts WHERE indexed = 1"),
  pghero("SELECT * FROM users WHERE city_id = 1", "city_id"),
  pghero(
    "SELECT * FROM users WHERE city_id = 1 and login_attempts = 2",
    "city_id",
    "login_attempts",
  ),
  pghero("SELECT * FROM users WHERE city_id = 1 AND email = 'person2@example.org'", "email"),
  pghero("SELECT * FROM users ORDER BY created_at", "created_at"),
  pghero("SELECT * FROM users ORDER BY login_attempts, created_at", "login_attempts", "created_at"),
  pghero("SELECT * FROM users ORDER BY login_attempts DESC, created_at", "login_attempts"),
  pghero("SELECT * FROM users ORDER BY id, created_at", "id"),
  pghero("SELECT * FROM users WHERE email = 'person2@example.org' ORDER BY created_at", "email"),
  pghero(
    "SELECT * FROM users WHERE login_attempts = 1 ORDER BY created_at",
    "login_attempts",
    "created_at",
  ),
  pghero("SELECT * FROM users WHERE login_attempts = 1 ORDER BY NOW()", "login_attempts"),
  pghero("SELECT * FROM users WHERE city_id IN (1, 2)", "city_id"),
  trigram("SELECT * FROM users WHERE email LIKE $1"),
  pghero("SELECT * FROM users WHERE city_id = $1 AND email LIKE $2", "city_id"),
  trigram("SELECT * FROM users WHERE email LIKE $1 AND active = $2"),
  trigram("SELECT * FROM users WHERE email ILIKE $1"),
  pghero("SELECT * FROM users WHERE city_id != $1 and login_attempts = 2", "login_attempts"),
  pghero("SELECT * FROM users WHERE city_id NOT IN ($1) and login_attempts = 2", "login_attempts"),
  pghero("SELECT * FROM users WHERE city_id BETWEEN 1 AND 2", "city_id"),
  pghero("SELECT * FROM users WHERE city_id > $1 and login_attempts > $2", "city_id"),
  pghero("SELECT * FROM users WHERE city_id = $1", "city_id"),
  pghero("SELECT * FROM users WHERE zip_code IS NULL", "zip_code"),
  pghero(
    "SELECT * FROM users WHERE zip_code IS NULL AND login_attempts = $1",
    "zip_code",
    "login_attempts",
  ),
  pghero(
    "SELECT * FROM users WHERE zip_code IS NOT NULL AND login_attempts = $1",
    "login_attempts",
  ),
  pghero("UPDATE users SET email = 'test' WHERE city_id = 1", "city_id"),
  pghero("DELETE FROM users WHERE city_id = 1", "city_id"),
  pghero("SELECT *123'"),
  pghero("SELECT * FROM non_existent_table WHERE id = 1"),
  pghero("SELECT NOW()"),
  pghero("SELECT FROM users WHERE login_attempts = 0 OR login_attempts = 1"),
  pghero("SELECT FROM users WHERE city_id = 1 AND (login_attempts = 0 OR login_attempts = 1)"),
  pghero("SELECT * FROM users INNER JOIN cities ON cities.id = users.city_id"),
  pghero("SELECT * FROM users"),
  pghero("SELECT * FROM states WHERE name = 'State 1'"),
  pghero("SELECT COUNT(*) AS count FROM pg_extension WHERE extname = $1"),
  pghero("INSERT INTO users (login_attempts) VALUES (1)"),
  pghero("set client_encoding to 'UTF8'"),
];

/** The peer's expected index, as one to be planned with. */
export function expectedOf(each: PeerCase, relation: number): readonly Candidate[] {
  if (each.expected.length === 0) return [];
  if (each.trigram !== true) return [columnsCandidate(relation, each.expected)];
  const [column = ""] = each.expected;
  const bare = columnsCandidate(relation, [column], { method: "gin" });
  return [{ ...bare, keys: bare.keys.map((key) => ({ ...key, opclass: "gin_trgm_ops" })) }];
}
