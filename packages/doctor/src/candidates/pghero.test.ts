import { beforeAll, expect, test } from "vitest";
import { loadParser, type Parser } from "../parse/parse.ts";
import { catalogOf } from "../testing/catalog.ts";
import { statementOf } from "../testing/statement.ts";
import { candidatesFor } from "./candidates-for.ts";
import { bodyOf } from "./definition.ts";
import { understand } from "./understand.ts";

/** The statement shapes of PgHero's (ankane/pghero) best-index tests, on a schema like its own. */
const catalog = catalogOf({
  users: {
    columns: {
      id: { type: "int8", notNull: true, distinct: 10_000 },
      city_id: { type: "int4", distinct: 3_333 },
      login_attempts: { type: "int4", distinct: 30 },
      email: { type: "varchar", distinct: 10_000 },
      zip_code: { type: "varchar", nullShare: 1, distinct: 1 },
      active: { type: "bool", distinct: 1 },
      created_at: { type: "timestamp", distinct: 10_000, correlation: 1 },
    },
    rows: 10_000,
    primary: "id",
  },
  cities: { columns: { id: "int8", name: "varchar" }, rows: 10_000 },
  states: { columns: { id: "int8", name: "varchar" }, rows: 50, pages: 1 },
});

let parser: Parser;
beforeAll(async () => {
  parser = await loadParser();
});

function bodies(text: string): readonly string[] {
  return candidatesFor([understand(statementOf(text), catalog, parser)], catalog).map((each) =>
    bodyOf(each).replace("using btree ", "").replaceAll('"', ""),
  );
}

test.each([
  ["SELECT * FROM users WHERE city_id = 1", "(city_id)"],
  ["SELECT * FROM users WHERE city_id = 1 and login_attempts = 2", "(city_id, login_attempts)"],
  ["SELECT * FROM users WHERE city_id = 1 AND email = 'person2@example.org'", "(email)"],
  ["SELECT * FROM users ORDER BY created_at", "(created_at)"],
  ["SELECT * FROM users ORDER BY login_attempts, created_at", "(login_attempts, created_at)"],
  [
    "SELECT * FROM users ORDER BY login_attempts DESC, created_at",
    "(login_attempts desc, created_at)",
  ],
  ["SELECT * FROM users WHERE email = 'person2@example.org' ORDER BY created_at", "(email)"],
  [
    "SELECT * FROM users WHERE login_attempts = 1 ORDER BY created_at",
    "(login_attempts, created_at)",
  ],
  ["SELECT * FROM users WHERE login_attempts = 1 ORDER BY NOW()", "(login_attempts)"],
  ["SELECT * FROM users WHERE city_id IN (1, 2)", "(city_id)"],
  ["SELECT * FROM users WHERE email LIKE $1", "using gin (email gin_trgm_ops)"],
  ["SELECT * FROM users WHERE email LIKE $1", "(email text_pattern_ops)"],
  ["SELECT * FROM users WHERE city_id = $1 AND email LIKE $2", "(city_id)"],
  ["SELECT * FROM users WHERE email LIKE $1 AND active = $2", "using gin (email gin_trgm_ops)"],
  ["SELECT * FROM users WHERE email ILIKE $1", "using gin (email gin_trgm_ops)"],
  ["SELECT * FROM users WHERE city_id != $1 and login_attempts = 2", "(login_attempts)"],
  ["SELECT * FROM users WHERE city_id NOT IN ($1) and login_attempts = 2", "(login_attempts)"],
  ["SELECT * FROM users WHERE city_id BETWEEN 1 AND 2", "(city_id)"],
  ["SELECT * FROM users WHERE city_id > $1 and login_attempts > $2", "(city_id)"],
  ["SELECT * FROM users WHERE city_id = $1", "(city_id)"],
  ["SELECT * FROM users WHERE zip_code IS NULL", "(zip_code)"],
  [
    "SELECT * FROM users WHERE zip_code IS NULL AND login_attempts = $1",
    "(login_attempts, zip_code)",
  ],
  ["SELECT * FROM users WHERE zip_code IS NOT NULL AND login_attempts = $1", "(login_attempts)"],
  ["UPDATE users SET email = 'test' WHERE city_id = 1", "(city_id)"],
  ["DELETE FROM users WHERE city_id = 1", "(city_id)"],
  // PgHero answers nothing to these three.
  ["SELECT FROM users WHERE login_attempts = 0 OR login_attempts = 1", "(login_attempts)"],
  [
    "SELECT FROM users WHERE city_id = 1 AND (login_attempts = 0 OR login_attempts = 1)",
    "(city_id, login_attempts)",
  ],
  ["SELECT * FROM users INNER JOIN cities ON cities.id = users.city_id", "(city_id)"],
])("%s", (text, expected) => {
  expect(bodies(text)).toContain(expected);
});

test.each([
  "SELECT *123'",
  "SELECT * FROM non_existent_table WHERE id = 1",
  "SELECT NOW()",
  "SELECT * FROM users",
  "SELECT * FROM states WHERE name = 'State 1'",
  "SELECT COUNT(*) AS count FROM pg_extension WHERE extname = $1",
  "INSERT INTO users (login_attempts) VALUES (1)",
  "set client_encoding to 'UTF8'",
  // One row, by its key.
  "SELECT * FROM users WHERE id = 1 AND city_id = 2",
])("none: %s", (text) => {
  expect(bodies(text)).toEqual([]);
});
