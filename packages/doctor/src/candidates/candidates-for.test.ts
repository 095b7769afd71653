import { beforeAll, describe, expect, test } from "vitest";
import type { Catalog } from "../catalog/types.ts";
import { loadParser, type Parser } from "../parse/parse.ts";
import { catalogOf, relationNamed, type TableSpec } from "../testing/catalog.ts";
import { statementOf } from "../testing/statement.ts";
import { candidatesFor } from "./candidates-for.ts";
import { bodyOf, indexName } from "./definition.ts";
import type { Candidate } from "./types.ts";
import { CANDIDATES_PER_TABLE_MAX, KEYS_MAX } from "./types.ts";
import { understand } from "./understand.ts";

const orders: TableSpec = {
  columns: {
    id: "int8 not null",
    customer_id: { type: "int8", distinct: 20_000 },
    status: { type: "text", distinct: 6 },
    country: { type: "text", distinct: 200 },
    total: "numeric",
    note: { type: "text", widthBytes: 900 },
    data: "jsonb",
    tags: "_text",
    search: "tsvector",
    created_at: { type: "timestamptz", correlation: 0.999 },
    deleted_at: { type: "timestamptz", nullShare: 0.05 },
    shipped_at: { type: "timestamptz", nullShare: 0.95 },
    urgent: { type: "bool", distinct: 2, topShare: 0.97 },
    place: "point",
    during: "tstzrange",
  },
  rows: 1_000_000,
  primary: "id",
};

let parser: Parser;
beforeAll(async () => {
  parser = await loadParser();
});

function candidates(texts: string | readonly string[], catalog: Catalog): readonly Candidate[] {
  const all = typeof texts === "string" ? [texts] : texts;
  const facts = all.map((text, at) =>
    understand(statementOf(text, { id: `s${at}`, share: 1 / all.length }), catalog, parser),
  );
  return candidatesFor(facts, catalog);
}

function bodies(
  texts: string | readonly string[],
  spec: Partial<TableSpec> = {},
  facts: Partial<Catalog> = {},
): readonly string[] {
  const catalog = catalogOf({ orders: { ...orders, ...spec } }, facts);
  return candidates(texts, catalog).map((each) =>
    bodyOf(each).replace("using btree ", "").replaceAll('"', ""),
  );
}

describe("kinds", () => {
  test.each([
    [
      "select * from orders where customer_id = $1 order by created_at desc limit 10",
      "(customer_id, created_at)",
    ],
    [
      "select * from orders where customer_id = $1 order by total desc, created_at limit 10",
      "(customer_id, total desc, created_at)",
    ],
    [
      "select * from orders where customer_id = $1 order by total desc nulls last limit 10",
      "(customer_id, total desc nulls last)",
    ],
    [
      "select * from orders where customer_id = $1 and status = $2 and total > $3",
      "(customer_id, status, total)",
    ],
    [
      "select * from orders where customer_id in ($1, $2) order by created_at limit 5",
      "(created_at, customer_id)",
    ],
    [
      "select * from orders where status = 'open' order by created_at limit 5",
      "(created_at) where status = 'open'",
    ],
    [
      "select * from orders where customer_id = $1 and status = 'open'",
      "(customer_id) where status = 'open'",
    ],
    [
      "select * from orders where status <> 'done' and total > $1",
      "(total) where status <> 'done'",
    ],
    ["select * from orders where urgent and customer_id = $1", "(customer_id) where urgent"],
    [
      "select * from orders where shipped_at is not null and total > $1",
      "(total) where shipped_at is not null",
    ],
    [
      "select * from orders where deleted_at is null and customer_id = $1",
      "(customer_id) where deleted_at is null",
    ],
    ["select id from orders where data @> $1", "using gin (data jsonb_path_ops)"],
    ["select id from orders where data ? 'k'", "using gin (data)"],
    ["select id from orders where data->>'k' = $1", "((data ->> 'k'))"],
    ["select id from orders where tags && $1", "using gin (tags)"],
    ["select id from orders where search @@ to_tsquery($1)", "using gin (search)"],
    [
      "select id from orders where to_tsvector('simple', note) @@ to_tsquery($1)",
      "using gin ((to_tsvector('simple', note)))",
    ],
    ["select id from orders where note ilike '%x%'", "using gin (note gin_trgm_ops)"],
    ["select id from orders order by country <-> $1 limit 3", "using gist (country gist_trgm_ops)"],
    ["select id from orders order by place <-> $1 limit 3", "using gist (place)"],
    ["select id from orders where during && $1", "using gist (during)"],
    ["select id from orders where lower(country) = $1", "((lower(country)))"],
    ["select max(total) from orders where customer_id = $1", "(customer_id, total)"],
    [
      "select distinct on (customer_id) * from orders order by customer_id, created_at desc",
      "(customer_id, created_at desc)",
    ],
    ["select status, count(*) from orders group by status", "(status)"],
    ["select * from orders where customer_id = $1 or country = $2", "(country)"],
    ["select * from orders where customer_id = $1 or country = $2", "(customer_id)"],
  ])("%s", (text, expected) => {
    expect(bodies(text)).toContain(expected);
  });

  test("an equality on a key needs nothing", () => {
    expect(bodies("select * from orders where id = $1 and status = 'open'")).toEqual([]);
    expect(
      bodies("select * from orders where customer_id = $1 and country = $2 and total = $3", {
        indexes: [{ keys: "customer_id, country", unique: true }],
      }),
    ).toEqual([]);
  });

  test("keys of a b-tree stay narrow enough for it", () => {
    expect(bodies("select * from orders where note = $1")).toEqual([]);
    expect(bodies("select * from orders order by customer_id, note limit 3")).toEqual([
      "(customer_id)",
    ]);
  });

  test("prefixes need an operator class unless bytes already sort", () => {
    const text = "select * from orders where country like 'x%'";
    expect(bodies(text)).toEqual(["(country text_pattern_ops)"]);
    expect(bodies(text, {}, { collationIsC: true })).toEqual(["(country)"]);
    const columns = { ...orders.columns, country: { type: "bpchar", collationIsC: false } };
    expect(bodies(text, { columns }, { collationIsC: true })).toEqual([
      "(country bpchar_pattern_ops)",
    ]);
  });

  test("both operator classes of jsonb where both are asked", () => {
    const texts = ["select 1 from orders where data @> $1", "select 1 from orders where data ? $1"];
    expect([...bodies(texts)].sort()).toEqual([
      "using gin (data jsonb_path_ops)",
      "using gin (data)",
    ]);
  });

  test("trigrams: the extension is named, qualified, or must be possible", () => {
    const text = "select 1 from orders where country ilike $1";
    const catalog = catalogOf({ orders });
    expect(candidates(text, catalog)[0]?.extension).toBe("pg_trgm");
    const created = {
      extensions: new Map([["pg_trgm", { version: "1.6", schema: "extensions" }]]),
    };
    const [made] = candidates(text, catalogOf({ orders }, created));
    expect(made?.extension).toBeUndefined();
    expect(made?.keys[0]?.opclass).toBe('"extensions".gin_trgm_ops');
    expect(bodies(text, {}, { available: new Set() })).toEqual([]);
  });

  test("BRIN for large tables in the column's order", () => {
    const text = "select * from orders where created_at > $1";
    expect(bodies(text)).toEqual(["(created_at)"]);
    expect(bodies(text, { pages: 200_000 })).toContain("using brin (created_at)");
    expect(bodies("select * from orders where total > $1", { pages: 200_000 })).toEqual([
      "(total)",
    ]);
  });

  test("covering when little is added, most pages are visible and rows stay as they are", () => {
    const text = "select total from orders where customer_id = $1";
    const still = { pages: 20_000, allVisiblePages: 19_000 };
    expect(bodies(text, still)).toContain("(customer_id) include (total)");
    expect(bodies(text)).not.toContain("(customer_id) include (total)");
    const updated = { ...still, activity: { updated: 500_000 } };
    expect(bodies(text, updated)).not.toContain("(customer_id) include (total)");
    // A text without a limit may be too long for an index, however short it is on average.
    expect(bodies("select country from orders where customer_id = $1", still)).toEqual([
      "(customer_id)",
    ]);
    expect(bodies("select note from orders where customer_id = $1", still)).toEqual([
      "(customer_id)",
    ]);
    expect(bodies("select * from orders where customer_id = $1", still)).toEqual(["(customer_id)"]);
    expect(bodies(`${text} for update`, still)).toEqual(["(customer_id)"]);
  });

  test("partial: not where a condition is common, or others ask for other values", () => {
    expect(bodies("select * from orders where shipped_at is null and total > $1")).not.toContain(
      "(total) where shipped_at is null",
    );
    const open = "select * from orders where status = 'open' and total > $1";
    expect(bodies([open])).toContain("(total) where status = 'open'");
    expect(bodies([open, "select * from orders where status = $1 and total > $2"])).not.toContain(
      "(total) where status = 'open'",
    );
    expect(bodies("select * from orders where customer_id = 42 and total > $1")).not.toContain(
      "(total) where customer_id = 42",
    );
  });
});

describe("sharing and bounds", () => {
  test("what most statements seek leads", () => {
    const texts = [
      "select * from orders where country = $1 and customer_id = $2",
      "select * from orders where country = $1 and total > $2",
      "select * from orders where country = $1",
    ];
    const found = bodies(texts);
    expect(found).toContain("(country, customer_id)");
    expect(found).not.toContain("(customer_id, country)");
  });

  test("flags come last, and one is offered without them", () => {
    const columns = { ...orders.columns, deleted_at: { type: "timestamptz", nullShare: 0.95 } };
    const text =
      "select * from orders where deleted_at is null and not urgent and customer_id = $1 order by id limit 3";
    const found = bodies(text, { columns });
    expect(found).toContain("(customer_id, id)");
    expect(found).toContain("(customer_id, id) where deleted_at is null and not urgent");
    expect(found.filter((each) => /^\((urgent|deleted_at), /.test(each))).toEqual([]);
  });

  test("before an order, columns with one value each may stand in any order", () => {
    const text = "select * from orders where country = $1 and customer_id = $2 order by created_at";
    const served = { indexes: ["customer_id, country, created_at"] };
    expect(bodies(text)).toContain("(customer_id, country, created_at)");
    expect(bodies(text, served).filter((each) => each.includes("created_at"))).toEqual([]);
    expect(bodies(text, { indexes: ["country, customer_id, created_at"] })).not.toContain(
      "(customer_id, country, created_at)",
    );
  });

  test("nothing is added behind the columns of a unique index", () => {
    const still = { pages: 20_000, allVisiblePages: 19_000 };
    expect(bodies("select * from orders order by id, total limit 3", still)).toEqual([]);
    expect(
      bodies("select o.total from orders o join orders p on p.customer_id = o.id", still),
    ).not.toContain("(id) include (total)");
  });

  test("never more than 4 keys or 40 for a table, those with the most time stay", () => {
    const columns = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`c${at}`, "int4"]));
    const catalog = catalogOf({ wide: { columns } });
    const facts = Array.from({ length: 60 }, (_, at) => {
      const text = `select * from wide where c${at} = $1 and c${(at + 1) % 60} = $2 and c${(at + 2) % 60} = $3 and c${(at + 3) % 60} = $4 and c${(at + 4) % 60} > $5 order by c7, c8`;
      return understand(
        statementOf(text, { id: `s${at}`, share: at === 30 ? 0.5 : 0.008 }),
        catalog,
        parser,
      );
    });
    const found = candidatesFor(facts, catalog);
    expect(found).toHaveLength(CANDIDATES_PER_TABLE_MAX);
    expect(Math.max(...found.map((each) => each.keys.length))).toBe(KEYS_MAX);
    expect(found[0]?.statements).toContain("s30");
    expect(new Set(found.map((each) => each.id)).size).toBe(found.length);
    const relation = relationNamed(catalog, "wide");
    expect(new Set(found.map((each) => indexName(each, relation))).size).toBe(found.length);
  });

  test("the same statements give the same candidates", () => {
    const text =
      "select * from orders where customer_id = $1 and status = $2 order by total limit 1";
    expect(bodies(text)).toEqual(bodies(text));
  });

  test("tables below ten pages get none", () => {
    const text = "select * from orders where customer_id = $1";
    expect(bodies(text, { pages: 9 })).toEqual([]);
    expect(bodies(text, { pages: 10 })).toEqual(["(customer_id)"]);
    // Never analysed.
    expect(bodies(text, { pages: 0, rows: -1, activity: { liveRows: 5_000 } })).toEqual([
      "(customer_id)",
    ]);
  });

  test("what exists is not proposed", () => {
    const text = "select * from orders where customer_id = $1 order by created_at desc limit 10";
    for (const index of [
      "customer_id, created_at",
      "customer_id desc, created_at desc",
      "customer_id, created_at, total",
    ])
      expect(bodies(text, { indexes: [index] })).not.toContain("(customer_id, created_at)");
    expect(bodies(text, { indexes: ["customer_id, created_at desc nulls last"] })).toContain(
      "(customer_id, created_at)",
    );
    expect(
      bodies(text, { indexes: [{ keys: "customer_id, created_at", valid: false }] }),
    ).toContain("(customer_id, created_at)");
    expect(
      bodies(text, { indexes: [{ keys: "customer_id, created_at", predicate: "(total > 1)" }] }),
    ).toContain("(customer_id, created_at)");
    const both = "select * from orders where customer_id = $1 and country = $2";
    expect(bodies(both, { indexes: ["country, customer_id"] })).toEqual(["(customer_id)"]);
    expect(
      bodies("select * from orders where lower(country) = $1", {
        indexes: ["lower((country)::text)"],
      }),
    ).toEqual([]);
    expect(
      bodies("select * from orders where data->>'k' = $1", { indexes: ["((data ->> 'k'::text))"] }),
    ).toEqual([]);
    expect(
      bodies("select * from orders where data @> $1", {
        indexes: [{ keys: "data jsonb_path_ops", method: "gin" }],
      }),
    ).toEqual([]);
  });

  test("partitions share the root's; inheritance children get their own", () => {
    const columns = { id: "int4", kind: "text" };
    const catalog = catalogOf({
      events: { columns, kind: "partitioned" },
      events_1: { columns, parents: ["events"], partition: true },
      base: { columns },
      child: { columns, parents: ["base"] },
    });
    const name = (each: Candidate): string | undefined =>
      catalog.relations.find((relation) => relation.oid === each.relation)?.name;
    const parts = [
      "select * from events where kind = $1",
      "select * from events_1 where kind = $1",
    ];
    expect(candidates(parts, catalog).map(name)).toEqual(["events"]);
    expect(candidates(parts, catalog)[0]?.statements).toEqual(["s0", "s1"]);
    expect(candidates("select * from events_1 where kind = $1", catalog).map(name)).toEqual([
      "events_1",
    ]);
    expect(candidates("select * from base where kind = $1", catalog).map(name)).toEqual([
      "base",
      "child",
    ]);
  });

  test("foreign keys that nothing leads with, where rows they reference are deleted", () => {
    const spec = (deleted: number): Catalog =>
      catalogOf({
        parents: { columns: { id: "int8" }, activity: { deleted } },
        children: {
          columns: { id: "int8", parent_id: "int8" },
          references: { parent_id: "parents" },
        },
      });
    expect(candidates([], spec(0))).toEqual([]);
    expect(candidates([], spec(9))).toMatchObject([{ reasons: ["foreign-key"], statements: [] }]);
    expect(candidates("delete from parents where id = $1", spec(0))).toContainEqual(
      expect.objectContaining({ reasons: ["join", "foreign-key"], statements: ["s0"] }),
    );
  });
});
