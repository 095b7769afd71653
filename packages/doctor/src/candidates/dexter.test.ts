import { beforeAll, expect, test } from "vitest";
import { loadParser, type Parser } from "../parse/parse.ts";
import { catalogOf } from "../testing/catalog.ts";
import { statementOf } from "../testing/statement.ts";
import { candidatesFor } from "./candidates-for.ts";
import { bodyOf } from "./definition.ts";
import { understand } from "./understand.ts";

/** The statement shapes that Dexter (ankane/dexter) promises an index for, on a schema like its own. */
const posts = {
  id: { type: "int4", distinct: 100_000 },
  blog_id: { type: "int4", distinct: 1_000 },
  user_id: { type: "int4", distinct: 10 },
  json: "json",
  jsonb: "jsonb",
  hstore: "hstore",
  indexed: { type: "int4", distinct: 100_000 },
};

const catalog = catalogOf({
  posts: { columns: posts, rows: 100_000, pages: 637, indexes: ["indexed"] },
  posts_view: { columns: { view_id: "int4" }, view: "SELECT posts.id AS view_id FROM posts" },
  posts_materialized: { columns: posts, kind: "materialized", rows: 100_000, pages: 637 },
  comments: { columns: { post_id: "int4" }, kind: "foreign" },
  "Bar.Foo": { columns: { Id: "int4" }, rows: 100_000 },
});

let parser: Parser;
beforeAll(async () => {
  parser = await loadParser();
});

function bodies(text: string): readonly string[] {
  return candidatesFor([understand(statementOf(text), catalog, parser)], catalog).map((each) =>
    bodyOf(each)
      .replace("using btree ", "")
      .replaceAll(/"([a-z_]+)"/g, "$1"),
  );
}

/** What Dexter answers, and what beats it by PostgreSQL's own cost (docs/index-advice.md). */
test.each([
  ["SELECT * FROM posts WHERE id = 1", "(id)"],
  ["SELECT * FROM posts WHERE id = $1", "(id)"],
  ["SELECT * FROM posts WHERE user_id = 1 AND blog_id = 2", "(blog_id, user_id)"],
  ["SELECT * FROM posts WHERE user_id = 1 AND blog_id < 10", "(user_id, blog_id)"],
  ["SELECT * FROM posts WHERE user_id = 1 AND blog_id < 10", "(blog_id)"],
  ["SELECT * FROM posts WHERE user_id = 1 ORDER BY blog_id LIMIT 1000", "(user_id, blog_id)"],
  ["SELECT * FROM posts ORDER BY user_id DESC LIMIT 10", "(user_id)"],
  ["SELECT * FROM posts ORDER BY user_id, blog_id LIMIT 10", "(user_id, blog_id)"],
  ["SELECT * FROM posts ORDER BY user_id DESC, blog_id LIMIT 10", "(user_id desc, blog_id)"],
  ["UPDATE posts SET user_id = 2 WHERE user_id = 1", "(user_id)"],
  ["DELETE FROM posts WHERE user_id = 1", "(user_id)"],
  ["SELECT * FROM posts_view WHERE view_id = 1", "(id)"],
  ["SELECT * FROM posts_materialized WHERE id = 1", "(id)"],
  ["WITH cte AS (SELECT * FROM posts WHERE id = 1) SELECT * FROM cte", "(id)"],
  ["WITH cte AS (SELECT * FROM posts) SELECT * FROM cte WHERE id = 1", "(id)"],
  ["WITH cte AS NOT MATERIALIZED (SELECT * FROM posts) SELECT * FROM cte WHERE id = 1", "(id)"],
  ['SELECT * FROM "Bar"."Foo" WHERE "Id" = 10000', '("Id")'],
])("%s", (text, expected) => {
  expect(bodies(text)).toContain(expected);
});

test.each([
  "SELECT * FROM posts",
  "SELECT * FROM comments WHERE post_id = 1",
  "WITH cte AS MATERIALIZED (SELECT * FROM posts) SELECT * FROM cte WHERE id = 1",
  "SELECT 1",
  "SELECT +",
  "SELECT * FROM posts WHERE indexed = 1",
  "SELECT * FROM pg_class WHERE relname = 'x'",
  "SELECT * FROM posts WHERE missing = 1",
  "SELECT * FROM missing WHERE id = 1",
  "SELECT * FROM posts WHERE json = '{}'",
])("none: %s", (text) => {
  expect(bodies(text)).toEqual([]);
});
