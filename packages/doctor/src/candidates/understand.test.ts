import { beforeAll, describe, expect, test } from "vitest";
import type { Catalog } from "../catalog/types.ts";
import { loadParser, type Parser } from "../parse/parse.ts";
import { catalogOf } from "../testing/catalog.ts";
import { statementOf } from "../testing/statement.ts";
import type { Clause, Scan, StatementFacts } from "./types.ts";
import { understand } from "./understand.ts";

const catalog = catalogOf(
  {
    users: {
      columns: {
        id: "int8 not null",
        email: "text",
        name: "varchar",
        active: "bool",
        org_id: "int8",
        created_at: "timestamptz",
      },
      primary: "id",
    },
    posts: {
      columns: {
        id: "int8 not null",
        user_id: "int8",
        blog_id: "int4",
        status: "text",
        data: "jsonb",
        tags: "_text",
        body: "text",
        search: "tsvector",
        posted: "timestamp",
        deleted_at: "timestamptz",
        score: "int4",
        place: "point",
        during: "tstzrange",
      },
      primary: "id",
      references: { user_id: "users" },
    },
    comments: {
      columns: { id: "int8 not null", post_id: "int8", author: "text" },
      references: { post_id: "posts" },
    },
    posts_view: {
      columns: { view_id: "int8", owner: "int8" },
      view: "select id as view_id, user_id as owner from posts",
    },
    counted: {
      columns: { user_id: "int8", n: "int8" },
      view: "select user_id, count(*) as n from posts group by user_id",
    },
    base: { columns: { id: "int4", kind: "text" } },
    child: { columns: { id: "int4", kind: "text", extra: "text" }, parents: ["base"] },
    events: { columns: { id: "int4", at: "timestamptz" }, kind: "partitioned" },
    events_1: { columns: { id: "int4", at: "timestamptz" }, parents: ["events"], partition: true },
    far: { columns: { id: "int4" }, kind: "foreign" },
    "Bar.Foo": { columns: { Id: "int4" } },
    people: { columns: { id: "int8 not null", org_id: "int8", boss_id: "int8" } },
  },
  {},
);

let parser: Parser;
beforeAll(async () => {
  parser = await loadParser();
});

function facts(text: string, within: Catalog = catalog): StatementFacts {
  return understand(statementOf(text), within, parser);
}

/** "posts: = user_id; order created_at desc limit" for each scan. */
function told(text: string): string[] {
  return facts(text).scans.map(scanText);
}

function scanText(scan: Scan): string {
  const name = catalog.relations.find((each) => each.oid === scan.relation)?.name ?? "?";
  const parts = scan.clauses.map(clauseText);
  if (scan.order.length > 0) {
    const items = scan.order.map((item) => {
      const nulls =
        item.nullsFirst === item.descending ? "" : item.nullsFirst ? " nulls first" : " nulls last";
      return `${item.term.sql.replaceAll('"', "")}${item.descending ? " desc" : ""}${nulls}`;
    });
    parts.push(`order ${items.join(", ")}${scan.limited ? " limit" : ""}`);
  }
  if (scan.grouped.length > 0)
    parts.push(`group ${scan.grouped.map((term) => term.sql.replaceAll('"', "")).join(", ")}`);
  return `${name}: ${parts.join("; ")}`;
}

function clauseText(clause: Clause): string {
  if (clause.kind === "constant") return `where ${clause.sql.replaceAll('"', "")}`;
  const term = clause.term.sql.replaceAll('"', "");
  switch (clause.kind) {
    case "equality":
      return `${clause.many === true ? "in" : "="} ${term}`;
    case "join": {
      const other = catalog.relations.find((each) => each.oid === clause.other)?.name ?? "-";
      return `join ${term} ${other}`;
    }
    case "contains":
      return `${clause.on} ${term} ${clause.operator}`;
    default:
      return `${clause.kind} ${term}`;
  }
}

describe("conditions", () => {
  test.each([
    ["select * from posts where user_id = $1", ["posts: = user_id"]],
    ["select * from posts where $1 = user_id", ["posts: = user_id"]],
    ["select * from posts p where p.user_id operator(pg_catalog.=) $1", ["posts: = user_id"]],
    ["select * from posts where user_id in ($1, $2)", ["posts: in user_id"]],
    ["select * from posts where user_id = any($1)", ["posts: in user_id"]],
    ["select * from posts where user_id = any(array[1,2])", ["posts: in user_id"]],
    ["select * from posts where user_id not in ($1)", ["posts: "]],
    ["select * from posts where user_id <> $1", ["posts: "]],
    ["select * from posts where score between $1 and $2", ["posts: range score"]],
    ["select * from posts where score not between $1 and $2", ["posts: "]],
    ["select * from posts where not (score not between $1 and $2)", ["posts: range score"]],
    ["select * from posts where score > $1 and score < $2", ["posts: range score; range score"]],
    ["select * from posts where not score > $1", ["posts: range score"]],
    [
      "select * from posts where deleted_at is null",
      ["posts: = deleted_at; where deleted_at is null"],
    ],
    ["select * from posts where deleted_at is not null", ["posts: where deleted_at is not null"]],
    ["select * from posts where not deleted_at is null", ["posts: where deleted_at is not null"]],
    [
      "select * from posts where deleted_at is not distinct from null",
      ["posts: = deleted_at; where deleted_at is null"],
    ],
    ["select * from posts where user_id is not distinct from $1", ["posts: "]],
    ["select * from posts where user_id is distinct from $1", ["posts: "]],
    ["select * from posts where id is null", ["posts: "]],
    ["select * from posts where (score, id) > ($1, $2)", ["posts: range score"]],
    ["select * from posts where (user_id, blog_id) = ($1, $2)", ["posts: = user_id; = blog_id"]],
    [
      "select * from posts where (user_id, blog_id) in (($1, $2), ($3, $4))",
      ["posts: in user_id; in blog_id"],
    ],
    ["select * from posts where user_id = 1 or user_id = 2", ["posts: in user_id"]],
    ["select * from posts where status = 'open'", ["posts: = status; where status = 'open'"]],
    [
      "select * from posts where status in ('a', 'b')",
      ["posts: in status; where status in ('a', 'b')"],
    ],
    ["select * from posts where status <> 'done'", ["posts: where status <> 'done'"]],
    ["select * from posts where not (status = 'done')", ["posts: where status <> 'done'"]],
    ["select * from users where active", ["users: = active; where active"]],
    ["select * from users where not active", ["users: = active; where not active"]],
    ["select * from users where active = true", ["users: = active; where active"]],
    ["select * from users where active = false", ["users: = active; where not active"]],
    ["select * from users where active is true", ["users: = active; where active is true"]],
    ["select * from users where active is not true", ["users: where active is not true"]],
    ["select * from posts where user_id = random()", ["posts: "]],
    ["select * from posts where posted > now() - interval '1 day'", ["posts: range posted"]],
    [
      "select * from posts where user_id = (select max(id) from users)",
      ["posts: = user_id", "users: order id limit"],
    ],
    [
      "select * from posts where nonsense = 1 and user_id = 2",
      ["posts: = user_id; where user_id = 2"],
    ],
    ["select * from posts where user_id = score", ["posts: "]],
    ["select * from posts where user_id = -1", ["posts: = user_id; where user_id = -1"]],
    ["select * from posts where ctid = $1", ["posts: "]],
  ])("%s", (text, expected) => {
    expect(told(text)).toEqual(expected);
  });

  test("an OR of several columns is a scan for each arm", () => {
    expect(told("select * from posts where blog_id = $1 and (user_id = $2 or score > $3)")).toEqual(
      ["posts: = blog_id", "posts: = blog_id; = user_id", "posts: = blog_id; range score"],
    );
  });

  test("an OR with an arm that nothing serves, or of two tables, is of no use", () => {
    expect(told("select * from posts where user_id = $1 or length(body) > random()")).toEqual([
      "posts: ",
    ]);
    expect(
      told(
        "select * from posts p join users u on u.id = p.user_id where p.score = 1 or u.email = 'x'",
      ),
    ).toEqual(["posts: join user_id users", "users: join id posts"]);
  });

  test("De Morgan", () => {
    expect(told("select * from posts where not (score <> $1 or blog_id <> $2)")).toEqual([
      "posts: = score; = blog_id",
    ]);
  });
});

describe("patterns and containers", () => {
  test.each([
    ["select * from users where email like 'x%'", ["users: prefix email"]],
    ["select * from users where email like '%x%'", ["users: pattern email"]],
    ["select * from users where email like $1", ["users: prefix email; pattern email"]],
    ["select * from users where email not like 'x%'", ["users: "]],
    ["select * from users where not email like 'x%'", ["users: "]],
    ["select * from users where email ilike $1", ["users: pattern email"]],
    ["select * from users where email ~ '^abc'", ["users: prefix email; pattern email"]],
    ["select * from users where email ~* 'abc'", ["users: pattern email"]],
    ["select * from users where email % $1", ["users: pattern email"]],
    ["select * from users where starts_with(email, $1)", ["users: prefix email"]],
    ["select * from users order by email <-> $1 limit 5", ["users: nearest email"]],
    ["select * from posts order by place <-> $1 limit 5", ["posts: nearest place"]],
    ["select * from users where lower(email) = $1", ["users: = (lower(email))"]],
    ["select * from users where lower(email) like 'x%'", ["users: prefix (lower(email))"]],
    ["select * from posts where data->>'k' = $1", ["posts: = (data ->> 'k')"]],
    ["select * from posts where data#>>'{a,b}' = $1", ["posts: = (data #>> '{a,b}')"]],
    [
      "select * from posts where (data->'a'->>'b')::int > $1",
      ["posts: range (((data -> 'a') ->> 'b')::pg_catalog.int4)"],
    ],
    ["select * from posts where data->>$1 = $2", ["posts: "]],
    ["select * from posts where data @> $1", ["posts: jsonb data @>"]],
    ["select * from posts where $1 <@ data", ["posts: jsonb data @>"]],
    ["select * from posts where data ? 'k'", ["posts: jsonb data ?"]],
    ["select * from posts where data ?| $1", ["posts: jsonb data ?|"]],
    ["select * from posts where data ?& $1", ["posts: jsonb data ?&"]],
    ["select * from posts where data @? '$.a'", ["posts: jsonb data @?"]],
    ["select * from posts where data @@ '$.a == 1'", ["posts: jsonb data @@"]],
    ["select * from posts where data->'tags' ? 'x'", ["posts: jsonb (data -> 'tags') ?"]],
    ["select * from posts where tags @> $1", ["posts: array tags @>"]],
    ["select * from posts where tags && $1", ["posts: array tags &&"]],
    ["select * from posts where tags <@ $1", ["posts: array tags <@"]],
    ["select * from posts where $1 = any(tags)", ["posts: "]],
    ["select * from posts where search @@ to_tsquery($1)", ["posts: tsvector search @@"]],
    [
      "select * from posts where plainto_tsquery('english', $1) @@ search",
      ["posts: tsvector search @@"],
    ],
    [
      "select * from posts where to_tsvector('english', body) @@ to_tsquery($1)",
      ["posts: tsvector (to_tsvector('english', body)) @@"],
    ],
    [
      "select * from posts where to_tsvector('english', coalesce(status, '') || ' ' || coalesce(body, '')) @@ to_tsquery($1)",
      [
        "posts: tsvector (to_tsvector('english', (((coalesce(status, '')) || ' ') || (coalesce(body, ''))))) @@",
      ],
    ],
    ["select * from posts where to_tsvector(body) @@ to_tsquery($1)", ["posts: "]],
    ["select * from posts where during && $1", ["posts: range during &&"]],
    ["select * from posts where during @> now()", ["posts: range during @>"]],
    [
      "select * from posts where date_trunc('day', posted) = $1",
      ["posts: = (date_trunc('day', posted))"],
    ],
    ["select * from posts where date_trunc('day', deleted_at) = $1", ["posts: "]],
    [
      "select * from posts where date_trunc('day', deleted_at at time zone 'utc') = $1",
      ["posts: = (date_trunc('day', (pg_catalog.timezone('utc', deleted_at))))"],
    ],
    ["select * from posts where posted::date = $1", ["posts: = (posted::date)"]],
    ["select * from posts where deleted_at::date = $1", ["posts: "]],
    [
      "select * from posts where extract(year from posted) = $1",
      ["posts: = (pg_catalog.extract('year', posted))"],
    ],
    ["select * from posts where coalesce(score, 0) > $1", ["posts: range (coalesce(score, 0))"]],
    ["select * from users where name::text = $1", ["users: = name"]],
    ["select * from posts where data = $1", ["posts: "]],
    ['select * from posts where status collate "C" = $1', ["posts: = (status collate C)"]],
  ])("%s", (text, expected) => {
    expect(told(text)).toEqual(expected);
  });

  test("what is skipped is told, without a value", () => {
    expect(facts("select * from posts where data->>$1 = $2").skipped).toEqual([
      "an expression with ->>: with a parameter inside, or not immutable",
    ]);
    expect(facts("select * from posts where $1 = any(tags)").skipped[0]).toContain(
      "tags @> ARRAY[value]",
    );
    expect(facts("select * from posts where deleted_at::date = '2020-01-01'").skipped).toEqual([
      "a cast to date: depends on a setting, or on a parameter",
    ]);
  });
});

describe("scopes", () => {
  test.each([
    [
      "select * from posts p join users u on u.id = p.user_id",
      ["posts: join user_id users", "users: join id posts"],
    ],
    [
      "select * from posts p, users u where u.id = p.user_id and u.email = $1",
      ["posts: join user_id users", "users: join id posts; = email"],
    ],
    [
      "select * from people a join people b on a.boss_id = b.id",
      ["people: join boss_id people", "people: join id people"],
    ],
    [
      "select * from users join people using (org_id)",
      ["users: join org_id people", "people: join org_id users"],
    ],
    [
      "select * from users join people using (org_id) where org_id = $1",
      ["users: join org_id people; = org_id", "people: join org_id users"],
    ],
    [
      "select * from (select id as post_id from posts) p natural join comments",
      ["posts: join id comments", "comments: join post_id posts"],
    ],
    [
      "select * from users u left join posts p on p.user_id = u.id and p.status = $1 and u.active",
      ["users: ", "posts: join user_id users; = status"],
    ],
    [
      "select * from users u left join posts p on p.user_id = u.id where p.deleted_at is null",
      ["users: ", "posts: join user_id users"],
    ],
    [
      "select * from posts p right join users u on p.user_id = u.id",
      ["posts: join user_id users", "users: "],
    ],
    ["select * from posts p full join users u on p.user_id = u.id", ["posts: ", "users: "]],
    ["with c as (select * from posts) select * from c where user_id = $1", ["posts: = user_id"]],
    [
      "with c(a, b) as (select id, user_id from posts) select * from c where b = $1",
      ["posts: = user_id"],
    ],
    [
      "with c as materialized (select * from posts) select * from c where user_id = $1",
      ["posts: "],
    ],
    [
      "with c as not materialized (select * from posts) select * from c where user_id = $1 union all select * from c where blog_id = $2",
      ["posts: = user_id", "posts: = blog_id"],
    ],
    ["with c as (select * from posts) select * from c x join c y on x.id = y.id", ["posts: "]],
    [
      "with recursive t as (select id from people where id = $1 union all select p.id from people p join t on p.boss_id = t.id) select * from t",
      ["people: = id", "people: join boss_id -"],
    ],
    [
      "select * from (select * from posts where blog_id = $1) s where s.user_id = $2 order by s.posted limit 3",
      ["posts: = blog_id; = user_id; order posted limit"],
    ],
    [
      "select * from (select * from posts order by id limit 10) s where s.user_id = $2",
      ["posts: order id limit"],
    ],
    [
      "select * from (select user_id, count(*) from posts group by user_id) s where s.user_id = $1",
      ["posts: = user_id; group user_id"],
    ],
    [
      "select * from users u join (select user_id, count(*) n from posts group by user_id) s on s.user_id = u.id",
      ["users: join id posts", "posts: group user_id"],
    ],
    [
      "select * from (select distinct status, user_id from posts) s where user_id = $1",
      ["posts: = user_id; group status, user_id"],
    ],
    [
      "select * from (select user_id, row_number() over (order by id) from posts) s where user_id = $1",
      ["posts: order id"],
    ],
    [
      "select * from users u, lateral (select * from posts p where p.user_id = u.id order by posted desc limit 3) x",
      ["users: ", "posts: join user_id users; order posted desc limit"],
    ],
    ["select * from posts_view where view_id = $1", ["posts: = id"]],
    ["select * from counted where user_id = $1", ["posts: = user_id; group user_id"]],
    [
      "select id from posts union all select id from users order by 1 limit 10",
      ["posts: order id limit", "users: order id limit"],
    ],
    [
      "select * from (select id from posts union all select id from users) u where id = $1",
      ["posts: = id", "users: = id"],
    ],
    [
      "select * from (select id from posts union select id from users) u where id = $1",
      ["posts: = id", "users: = id"],
    ],
    [
      "select * from users u where exists (select 1 from posts p where p.user_id = u.id and p.status = $1)",
      ["users: join id posts", "posts: join user_id users; = status"],
    ],
    [
      "select * from users u where not exists (select 1 from posts p where p.user_id = u.id)",
      ["users: join id posts", "posts: join user_id users"],
    ],
    [
      "select * from users where id in (select user_id from posts where score > $1)",
      ["users: join id posts", "posts: range score; join user_id users"],
    ],
    [
      "select * from users where id = any (select user_id from posts)",
      ["users: join id posts", "posts: join user_id users"],
    ],
    [
      "select * from users where id not in (select user_id from posts where score = $1)",
      ["users: ", "posts: = score"],
    ],
    [
      "select u.id, (select count(*) from posts p where p.user_id = u.id) from users u",
      ["users: ", "posts: join user_id users"],
    ],
    ["update posts set score = 1 where user_id = $1", ["posts: = user_id"]],
    [
      "update posts p set score = 1 from users u where u.id = p.user_id and u.email = $1",
      ["posts: join user_id users", "users: join id posts; = email"],
    ],
    [
      "delete from comments using posts where posts.id = comments.post_id and posts.status = $1",
      ["comments: join post_id posts", "posts: join id comments; = status"],
    ],
    ["delete from posts where user_id = $1", ["posts: = user_id", "comments: join post_id posts"]],
    [
      "merge into posts p using users u on p.user_id = u.id when matched then delete",
      ["posts: join user_id users", "users: join id posts"],
    ],
    [
      "insert into comments (post_id) select id from posts where user_id = $1",
      ["posts: = user_id"],
    ],
    ["insert into comments (post_id) values ($1)", []],
    [
      "with gone as (delete from comments where author = $1 returning post_id) select * from posts where id in (select post_id from gone)",
      ["comments: = author", "posts: join id -"],
    ],
    ["select * from far where id = 1", []],
    ['select * from "Bar"."Foo" where "Id" = $1', ["Foo: = Id"]],
    ["select * from pg_class where relname = $1", []],
    ["select * from pg_class join posts on relname = status", ["posts: join status -"]],
    [
      "select * from unnest($1::int8[]) as w(id) join posts p on p.user_id = w.id",
      ["posts: join user_id -"],
    ],
    [
      "select * from (values (1), (2)) v(id) join posts on posts.user_id = v.id",
      ["posts: join user_id -"],
    ],
    [
      "select * from (users u join posts p on p.user_id = u.id) as j where j.email = $1",
      ["users: join id posts; = email", "posts: join user_id users"],
    ],
    ["select * from base where kind = $1", ["base: = kind", "child: = kind"]],
    ["select * from only base where kind = $1", ["base: = kind"]],
    ["select * from child where kind = $1", ["child: = kind"]],
    ["select * from events where id = $1", ["events: = id"]],
    ["select * from events_1 where id = $1", ["events_1: = id"]],
    ["explain select * from posts where user_id = $1", ["posts: = user_id"]],
    ["declare c cursor for select * from posts where user_id = $1", ["posts: = user_id"]],
    [
      "copy (select * from posts where user_id = 1) to stdout",
      ["posts: = user_id; where user_id = 1"],
    ],
    ["set work_mem = 1", []],
    ["select 1", []],
  ])("%s", (text, expected) => {
    expect(told(text)).toEqual(expected);
  });
});

describe("order", () => {
  test.each([
    [
      "select * from posts order by user_id desc, blog_id limit 10",
      ["posts: order user_id desc, blog_id limit"],
    ],
    [
      "select * from posts order by user_id desc nulls last limit 10",
      ["posts: order user_id desc nulls last limit"],
    ],
    [
      "select id, user_id as u from posts order by u, 1 fetch first 3 rows with ties",
      ["posts: order user_id, id limit"],
    ],
    ["select * from posts order by lower(status) limit 10", ["posts: order (lower(status)) limit"]],
    ["select * from posts order by now()", ["posts: "]],
    ["select * from posts order by user_id, random() limit 1", ["posts: order user_id limit"]],
    [
      "select * from posts p join users u on u.id = p.user_id order by p.posted, u.email limit 1",
      ["posts: join user_id users; order posted limit", "users: join id posts"],
    ],
    ["select distinct status from posts", ["posts: group status"]],
    [
      "select distinct on (user_id) * from posts order by user_id, posted desc",
      ["posts: order user_id, posted desc; group user_id"],
    ],
    ["select user_id, count(*) from posts group by 1", ["posts: group user_id"]],
    ["select min(score) from posts where user_id = $1", ["posts: = user_id; order score limit"]],
    [
      "select min(score), max(posted) from posts",
      ["posts: order score limit", "posts: order posted limit"],
    ],
    [
      "select row_number() over (partition by user_id order by posted desc) from posts",
      ["posts: order user_id, posted desc"],
    ],
    ["select rank() over w from posts window w as (order by score)", ["posts: order score"]],
    [
      "select * from posts where user_id = $1 order by posted limit 5 for update skip locked",
      ["posts: = user_id; order posted limit"],
    ],
    ["select * from posts order by posted limit all", ["posts: order posted"]],
    ["select * from posts order by posted limit $1 offset $2", ["posts: order posted limit"]],
  ])("%s", (text, expected) => {
    expect(told(text)).toEqual(expected);
  });
});

describe("columns read", () => {
  test.each([
    ["select * from posts where user_id = $1", undefined],
    ["select id from posts where user_id = $1 order by posted", ["id", "posted", "user_id"]],
    ["select count(*) from posts where user_id = $1", ["user_id"]],
    ["select s.id from (select * from posts) s where s.user_id = $1", ["id", "user_id"]],
    ["select view_id from posts_view", ["id"]],
    ["select row_to_json(posts) from posts", undefined],
    ["select posts from posts", undefined],
    ["select id from posts for update", undefined],
    ["update posts set score = 1 where id = 2", undefined],
    ["select id as posted from posts order by posted", ["id"]],
  ])("%s", (text, expected) => {
    const [scan] = facts(text).scans;
    expect(scan?.columns === undefined ? undefined : [...scan.columns].sort()).toEqual(expected);
  });
});

describe("bounds", () => {
  test("a lateral subquery does not see itself", () => {
    expect(told("select * from lateral (select a) as x where a = 1")).toEqual([]);
  });

  test("what does not parse", () => {
    expect(facts("select +")).toEqual({
      id: "s",
      share: 1,
      scans: [],
      skipped: ["cannot be parsed"],
    });
  });

  test("many tables, deep conditions, nested CTEs end", () => {
    const many = Array.from({ length: 100 }, (_, at) => `posts p${at}`).join(", ");
    expect(facts(`select * from ${many}`).scans).toHaveLength(64);
    const deep = `${"not (".repeat(200)}user_id = 1${")".repeat(200)}`;
    expect(facts(`select * from posts where ${deep}`).skipped).toContain(
      "conditions nested too deeply",
    );
    const long = Array.from({ length: 3_000 }, () => "score").join(" + ");
    expect(facts(`select * from posts where ${long} = 1 and user_id = $1`).scans).toHaveLength(1);
    const ctes = Array.from(
      { length: 20 },
      (_, at) =>
        `c${at + 1} as not materialized (select * from c${at} union all select * from c${at})`,
    ).join(", ");
    const nested = facts(
      `with c0 as not materialized (select * from posts), ${ctes} select * from c20 where user_id = 1`,
    );
    expect(nested.skipped).toContain("more than 200 queries within");
  });
});
