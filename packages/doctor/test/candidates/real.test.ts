import { readFileSync } from "node:fs";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { candidatesFor } from "../../src/candidates/candidates-for.ts";
import { definitionOf, indexName } from "../../src/candidates/definition.ts";
import type { Candidate } from "../../src/candidates/types.ts";
import { understand } from "../../src/candidates/understand.ts";
import { readCatalog } from "../../src/catalog/read.ts";
import type { Catalog } from "../../src/catalog/types.ts";
import { loadParser, type Parser } from "../../src/parse/parse.ts";
import { connectionFrom } from "../../src/target/connection.ts";
import { openTarget } from "../../src/target/open.ts";
import { workloadFromFile } from "../../src/workload/from-file.ts";

/** Our own, of every kind of index there is. */
const KINDS_SCHEMA = `
create extension pg_trgm;
create type state as enum ('open', 'done');
create table things (
  id bigint generated always as identity primary key, "Owner" int, name text, code varchar(20),
  fixed char(3), state state, flag boolean, data jsonb, tags text[], search tsvector, at timestamp,
  seen timestamptz, during tstzrange, place point, score numeric, key uuid, "order" int
);
create table parted (id int, at timestamptz, "Owner" int) partition by range (id);
create table parted_1 partition of parted for values from (0) to (10);
create table base (kind text); create table child (extra int) inherits (base);`;

const KINDS_QUERIES = [
  `select * from things where "Owner" = 1 and state = 'open' order by seen desc nulls last limit 5`,
  `select * from things where state = 'open'::state order by "order" desc, score limit 5`,
  `select * from things where state in ('open', 'done') and flag order by 1 limit 3`,
  `select * from things where not flag and code like 'x%' and fixed like 'y%' and name like $1`,
  `select * from things where lower(name) = $1 or upper(code::text) = $2 or left(name, 3) = $3`,
  `select * from things where data->>'k' = $1 and (data->'n'->>'m')::int > $2`,
  `select * from things where data @> $1 or data ? 'k' or data->'tags' ?| array['a']`,
  `select * from things where data#>>'{a,b}' in ('x', 'y') order by data->>'z'`,
  `select * from things where tags && $1 and search @@ to_tsquery($2)`,
  `select * from things where to_tsvector('english', coalesce(name, '') || ' ' || coalesce(code, '')) @@ to_tsquery($1)`,
  `select * from things where setweight(to_tsvector('simple', name), 'A') @@ to_tsquery($1)`,
  `select * from things where name ilike $1 or code % $2 order by name <-> $2 limit 3`,
  `select * from things where date_trunc('month', at) = $1 and at::date > $2`,
  `select * from things where date_trunc('day', seen at time zone 'utc') = $1`,
  `select * from things where extract(year from at) = $1 and abs(score) > 3 and score * 2 + 1 > $2`,
  `select * from things where during && $1 and place <@ $2 order by place <-> point(0, 0) limit 3`,
  `select * from things where key::text = $1 and name collate "C" = $2 and coalesce(score, 0) = 1`,
  `select * from things where flag is not true and seen is null and name is not null and score <> 3`,
  `select "Owner", count(*) from things group by 1 order by 1`,
  `select max(score), min(seen) from things where flag = false`,
  `select * from parted where at > $1 and "Owner" = $2`,
  `select * from base where kind = $1`,
];

interface Case {
  readonly name: string;
  readonly schema: string;
  readonly queries: string;
}

const foreign = (name: string): Case => {
  const read = (file: string): string =>
    readFileSync(new URL(`../foreign/${name}/${file}.sql`, import.meta.url), "utf8");
  return { name, schema: read("schema"), queries: read("queries") };
};

const cases: readonly Case[] = [
  { name: "every kind", schema: KINDS_SCHEMA, queries: KINDS_QUERIES.join(";\n") },
  foreign("tpch"),
  foreign("mastodon"),
  foreign("miniflux"),
];

test.each(cases)(
  "$name: PostgreSQL accepts every candidate, and then none is left to propose",
  async (each) => {
    const parser = await loadParser();
    await using database = await freshDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query(each.schema);
      const catalog = await largeCatalog(database.url);
      const found = proposed(each.queries, catalog, parser);
      expect(found.length).toBeGreaterThan(10);
      for (const candidate of found) {
        if (candidate.extension !== undefined)
          await client.query(`create extension if not exists ${candidate.extension}`);
        await client.query(creation(candidate, catalog));
      }
      // What is created is known again by PostgreSQL's own words for it.
      const again = proposed(each.queries, await largeCatalog(database.url), parser);
      const known = new Set(found.map(({ id }) => id));
      expect(again.map(({ id }) => id).filter((id) => known.has(id))).toEqual([]);
    } finally {
      await client.end();
    }
  },
);

/** As if every table had a million rows. */
async function largeCatalog(url: string): Promise<Catalog> {
  await using target = await openTarget(connectionFrom(url, {}));
  const catalog = await readCatalog(target);
  const relations = catalog.relations.map((relation) => ({
    ...relation,
    pages: 200_000,
    rows: 1_000_000,
    allVisiblePages: 190_000,
    columns: relation.columns.map((column) => ({
      ...column,
      numbers: {
        nullShare: 0.1,
        widthBytes: 8,
        distinct: 50,
        correlation: 0.99,
        topShare: undefined,
      },
    })),
  }));
  return { ...catalog, relations };
}

function proposed(queries: string, catalog: Catalog, parser: Parser): readonly Candidate[] {
  const { statements } = workloadFromFile(queries, parser);
  return candidatesFor(
    statements.map((statement) => understand(statement, catalog, parser)),
    catalog,
  );
}

function creation(candidate: Candidate, catalog: Catalog): string {
  const relation = catalog.relations.find(({ oid }) => oid === candidate.relation);
  if (relation === undefined) throw new Error("a candidate of no table");
  const { table, body } = definitionOf(candidate, relation);
  return `create index "${indexName(candidate, relation)}" on ${table} ${body}`;
}
