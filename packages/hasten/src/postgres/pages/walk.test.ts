/** Walks over real tables: http.md's acceptance tests P1, P2, P3, P5 and P7. */
import fc from "fast-check";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ColumnType,
  definePage,
  keyRing,
  type Page,
  type PageQuery,
  type PageRequest,
  type PageSpec,
  pageQuery,
  readPage,
  type SortItem,
} from "../index.ts";
import { sql, trustedSql } from "../sql.ts";
import { keyCodec } from "./column-type.ts";
import { keysOf } from "./page.ts";

interface Row {
  readonly id: string;
}
type Reader = (spec: PageSpec<Row>, request: PageRequest) => Promise<Page<Row>>;

const keys = keyRing([{ id: "test", secret: "0123456789abcdef0123456789abcdef" }]);
let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await freshDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 6 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const read: Reader = (spec, request) => readPage(pool, spec, request);

/** Every page from one end to the other, with what each claims about its sides. */
async function walk(
  spec: PageSpec<Row>,
  request: PageRequest,
  by: Reader = read,
): Promise<Page<Row>[]> {
  const pages: Page<Row>[] = [];
  const backward = request.from === "end";
  let page = await by(spec, request);
  pages.push(page);
  while (backward ? page.hasPrev : page.hasNext) {
    if (pages.length > 2000) throw new Error("the walk does not end");
    page = await by(spec, { ...request, cursor: backward ? page.prev : page.next });
    pages.push(page);
  }
  return backward ? pages.reverse() : pages;
}

const idsOf = (pages: readonly Page<Row>[]): string[] =>
  pages.flatMap((page) => page.rows.map((row) => row.id));

/** What PostgreSQL itself says the order is. */
async function wholeList(table: string, order: string, where = "true"): Promise<string[]> {
  const { rows } = await pool.query<{ text: string }>(
    `select id::text as text from ${table} where ${where} order by ${order}`,
  );
  return rows.map((row) => row.text);
}

/** Both walks, every page's claims, and the way back from every page. */
async function expectExactWalks(
  spec: PageSpec<Row>,
  request: PageRequest,
  expected: readonly string[],
  by: Reader = read,
): Promise<void> {
  const forward = await walk(spec, request, by);
  expect(idsOf(forward)).toEqual(expected);
  const backward = await walk(spec, { ...request, from: "end" }, by);
  expect(idsOf(backward)).toEqual(expected);
  for (const pages of [forward, backward]) {
    pages.forEach((page, index) => {
      expect([page.hasPrev, page.hasNext]).toEqual([index > 0, index < pages.length - 1]);
      expect([page.prev !== undefined, page.next !== undefined]).toEqual([
        page.hasPrev,
        page.hasNext,
      ]);
      if (expected.length > 0) expect(page.rows.length).toBeGreaterThan(0);
    });
  }
  for (const [index, page] of forward.entries()) {
    if (index === 0) continue;
    const back = await by(spec, { ...request, cursor: page.prev });
    expect(back.rows.map((row) => row.id)).toEqual(forward[index - 1]!.rows.map((row) => row.id));
  }
}

interface SortPart {
  readonly column: string;
  readonly direction: "asc" | "desc";
  readonly nulls: "first" | "last";
}
const orderText = (parts: readonly SortPart[], collated: readonly string[] = []): string =>
  [
    ...parts.map(({ column, direction, nulls }) => {
      const collate = collated.includes(column) ? ' collate "C"' : "";
      return `${column}${collate} ${direction} nulls ${nulls}`;
    }),
    `id ${parts.at(-1)?.direction ?? "asc"}`,
  ].join(", ");

const DIRECTIONS = ["asc", "desc"] as const;
const MIXES = DIRECTIONS.flatMap((a) =>
  DIRECTIONS.flatMap((b) => DIRECTIONS.map((c) => [a, b, c] as const)),
);

describe("P1: a walk gives the whole list, once, in order, both ways", () => {
  test.each([0, 30, 100])("with %i % NULLs in every sort column", async (share) => {
    const table = `mixed_${share}`;
    await pool.query(
      `create table ${table} (id bigint primary key, a int, b timestamptz, c text);
       select setseed(0.42);
       insert into ${table} select i,
         case when random() * 100 >= ${share} then (random() * 2)::int end,
         case when random() * 100 >= ${share} then timestamptz '2026-01-01' + (random() * 3)::int * interval '1 microsecond' end,
         case when random() * 100 >= ${share} then (array['', 'a', 'B', 'ä', '😀'])[1 + (random() * 4)::int] end
       from generate_series(1, 61) i`,
    );
    for (const nulls of ["first", "last"] as const) {
      for (const mix of MIXES) {
        const parts = ["a", "b", "c"].map(
          (column, i): SortPart => ({ column, direction: mix[i]!, nulls }),
        );
        const expected = await wholeList(table, orderText(parts, ["c"]));
        for (const nullable of share === 0 ? [true, false] : [true]) {
          const spec = definePage<Row>({
            from: table,
            key: ["id"],
            columns: {
              id: { type: "bigint" },
              a: { type: "int", nullable },
              b: { type: "timestamptz", nullable },
              c: { type: "text", nullable },
            },
            sorts: { mixed: parts },
            cursor: { keys },
          });
          await expectExactWalks(spec, { limit: 9 }, expected);
        }
      }
    }
  });
});

/** Columns of every sortable type, with the values that are hardest to carry. */
const VALUES: Readonly<
  Record<string, { type: ColumnType; pg: string; values: readonly (string | null)[] }>
> = {
  whole: { type: "int", pg: "int", values: ["-2147483648", "-1", "0", "7", null] },
  big: {
    type: "bigint",
    pg: "bigint",
    values: ["9007199254740993", "9007199254740992", "-9223372036854775808", "0", null],
  },
  exact: {
    type: "numeric",
    pg: "numeric(38,10)",
    values: [
      "1234567890123456789012345678.0123456789",
      "1234567890123456789012345678.0123456788",
      "-0.0000000001",
      "NaN",
      null,
    ],
  },
  float: {
    type: "float8",
    pg: "float8",
    values: ["-0", "0", "0.1", "0.30000000000000004", "1e300", "5e-324", "NaN", "-Infinity", null],
  },
  single: { type: "float8", pg: "real", values: ["0.1", "-0", "3.4e38", null] },
  words: {
    type: "text",
    pg: "text",
    values: ["", " ", "a", "A", "ä", "😀", "😀😀", 'it\'s "q" \\ $1 %', "\u{10ffff}", null],
  },
  uid: {
    type: "uuid",
    pg: "uuid",
    values: ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", null],
  },
  flag: { type: "bool", pg: "bool", values: ["true", "false", null] },
  day: {
    type: "date",
    pg: "date",
    values: ["2026-02-28", "0044-03-15 BC", "infinity", "-infinity", "12026-01-01", null],
  },
  local: {
    type: "timestamp",
    pg: "timestamp",
    values: ["2026-01-01 00:00:00.000001", "2026-01-01 00:00:00.000002", "infinity", null],
  },
  moment: {
    type: "timestamptz",
    pg: "timestamptz",
    values: [
      "2026-01-01 00:00:00.000001+00",
      "2026-01-01 00:00:00.000002+00",
      "2026-10-25 02:30:00+02",
      "0044-03-15 00:00:00+00 BC",
      "-infinity",
      null,
    ],
  },
};
const NAMES = Object.keys(VALUES);

const randomRow = fc.record(
  Object.fromEntries(NAMES.map((name) => [name, fc.constantFrom(...VALUES[name]!.values)])),
);
const randomSort = fc.uniqueArray(
  fc.record({
    column: fc.constantFrom(...NAMES),
    direction: fc.constantFrom("asc" as const, "desc" as const),
    nulls: fc.constantFrom("first" as const, "last" as const),
  }),
  { minLength: 1, maxLength: 3, selector: (part) => part.column },
);
const randomCase = fc.record({
  rows: fc.array(randomRow, { maxLength: 40 }),
  sort: randomSort,
  limit: fc.integer({ min: 1, max: 9 }),
});

/** Sessions differ in how they print and cut values; none of it may matter. */
const SESSION =
  "set timezone = 'America/New_York'; set datestyle = 'SQL, DMY'; set extra_float_digits = -3";

async function fill(
  runner: pg.ClientBase,
  rows: readonly Record<string, string | null>[],
): Promise<void> {
  await runner.query("truncate every_type");
  await runner.query(
    `insert into every_type select n, ${NAMES.map((name) => `(r ->> '${name}')::${VALUES[name]!.pg}`).join(", ")}
     from jsonb_array_elements($1::jsonb) with ordinality as t(r, n)`,
    [JSON.stringify(rows)],
  );
}

const everyType = (sort: readonly SortItem[]): PageSpec<Row> =>
  definePage<Row>({
    from: "every_type",
    key: ["id"],
    columns: {
      id: { type: "bigint" },
      ...Object.fromEntries(NAMES.map((name) => [name, { type: VALUES[name]!.type }])),
    },
    sorts: { sort },
    cursor: { keys },
  });

/** What breaks the property of P1 and P5 for a reader, so that a wrong one can be shown to fail. */
async function everyWalkIsExact(
  by: (client: pg.PoolClient) => Reader,
  numRuns: number,
  { nulls = true } = {},
): Promise<string | undefined> {
  const outcome = await fc.check(
    fc.asyncProperty(randomCase, async ({ rows: drawn, sort, limit }) => {
      const rows = nulls ? drawn : drawn.filter((row) => !Object.values(row).includes(null));
      const client = await pool.connect();
      try {
        await client.query("set datestyle = 'ISO, MDY'");
        await fill(client, rows);
        const expected = await wholeList("every_type", orderText(sort, ["words"]));
        await client.query(SESSION);
        await expectExactWalks(everyType(sort), { limit, fields: ["id"] }, expected, by(client));
      } finally {
        client.release(true);
      }
    }),
    { numRuns, seed: 20_260_101, endOnFailure: true },
  );
  return outcome.failed ? fc.defaultReportMessage(outcome) : undefined;
}

describe("P5 and P1 over values of every type", () => {
  beforeAll(async () => {
    const columns = NAMES.map((name) => `${name} ${VALUES[name]!.pg}`).join(", ");
    await pool.query(`create table every_type (id bigint primary key, ${columns})`);
  });

  test("every walk is exact, whatever the rows, the sort and the session's settings", async () => {
    const failure = await everyWalkIsExact(
      (client) => (spec, request) => readPage(client, spec, request),
      80,
    );
    expect(failure).toBeUndefined();
  });

  test("a reader that forgets NULLs passes without them and fails that property with them", async () => {
    const careless = (client: pg.PoolClient): Reader => withoutNulls(client);
    expect(await everyWalkIsExact(careless, 40, { nulls: false })).toBeUndefined();
    expect(await everyWalkIsExact(careless, 40)).toContain("Property failed");
  });

  test("a reader that carries keys through Date and Number fails that property", async () => {
    const careless =
      (client: pg.PoolClient): Reader =>
      async (spec, request) => {
        const query = pageQuery(spec, request);
        const { rows } = await client.query(query.text, [...query.values]);
        return query.finish(rows.map(carelessly), []);
      };
    expect(await everyWalkIsExact(careless, 80)).toContain("Property failed");
  });
});

/** The expanded OR of popular libraries, which compares with NULL as if it were a value. */
function withoutNulls(client: pg.PoolClient): Reader {
  return async (spec, request) => {
    const order = spec.sorts.get("sort")!.order;
    const after =
      request.cursor === undefined
        ? undefined
        : (JSON.parse(request.cursor) as { back: boolean; keys: (string | null)[] });
    const back = after === undefined ? request.from === "end" : after.back;
    const ahead = order.map((column) => ({
      ...column,
      direction: (column.direction === "asc") !== back ? "asc" : "desc",
      nulls: (column.nulls === "first") !== back ? "first" : "last",
    }));
    const or = (columns: readonly (typeof ahead)[number][]): string =>
      columns
        .map((column, index) => {
          const equal = columns
            .slice(0, index)
            .map((one, i) => `${one.sql} = ${keyCodec(one.type).fromText(`$${i + 1}`)}`);
          const operator = column.direction === "asc" ? ">" : "<";
          return `(${[...equal, `${column.sql} ${operator} ${keyCodec(column.type).fromText(`$${index + 1}`)}`].join(" and ")})`;
        })
        .join(" or ");
    const behind = ahead.map((column) => ({
      ...column,
      direction: column.direction === "asc" ? "desc" : "asc",
    }));
    const texts = order.map(
      (column, index) => `${keyCodec(column.type).toText(column.sql)} as "~k${index}"`,
    );
    const limit = Number(request.limit);
    const { rows } = await client.query(
      `select id as "~id", ${texts.join(", ")} from every_type where ${after === undefined ? "true" : or(ahead)}
       order by ${ahead.map((column) => `${column.sql} ${column.direction} nulls ${column.nulls}`).join(", ")} limit ${limit + 1}`,
      after?.keys ?? [],
    );
    const other =
      after !== undefined &&
      (
        await client.query(
          `select from every_type where not (${or(ahead)}) or (${or(behind)}) limit 1`,
          after.keys,
        )
      ).rows.length > 0;
    const kept = rows.slice(0, limit);
    if (back) kept.reverse();
    const cursor = (row: Record<string, string>, backward: boolean): string =>
      JSON.stringify({ back: backward, keys: keysOf(row, order) });
    const more = rows.length > limit;
    const [hasNext, hasPrev] = back ? [other, more] : [more, other];
    return {
      rows: kept.map((row) => ({ id: row["~id"] })),
      hasNext,
      hasPrev,
      ...(hasNext ? { next: cursor(kept.at(-1), false) } : {}),
      ...(hasPrev ? { prev: cursor(kept[0], true) } : {}),
      limit,
    };
  };
}

function carelessly(row: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(row).map(([name, value]) => {
    if (!name.startsWith("~k") || typeof value !== "string") return [name, value];
    if (/^\d{4}-\d\d-\d\dT/.test(value))
      return [name, new Date(`${value}Z`).toISOString().slice(0, 23)];
    return [name, /^-?\d{17,19}$/.test(value) ? BigInt(Number(value)).toString() : value];
  });
  return Object.fromEntries(entries);
}

describe("P2: rows of one millisecond", () => {
  test("are walked one by one, though they differ in microseconds only", async () => {
    await pool.query(`create table instants (id int primary key, at timestamptz not null);
      insert into instants select i, timestamptz '2026-01-01 00:00:00' + (i / 2) * interval '1 microsecond' from generate_series(1, 60) i`);
    const spec = definePage<Row>({
      from: "instants",
      key: ["id"],
      columns: { id: { type: "int" }, at: { type: "timestamptz", nullable: false } },
      sorts: { at: ["at"] },
      cursor: { keys },
    });
    const text = async (sort: string): Promise<string[]> =>
      (await wholeList("instants", sort)).map(Number).map(String);
    const readAsText: Reader = async (s, request) => {
      const page = await readPage(pool, s, request);
      return { ...page, rows: page.rows.map((row) => ({ id: String(row.id) })) };
    };
    await expectExactWalks(spec, { limit: 1 }, await text("at, id"), readAsText);
    await expectExactWalks(
      spec,
      { limit: 1, sort: "-at" },
      await text("at desc, id desc"),
      readAsText,
    );
  });
});

const shifting = definePage<Row>({
  from: "shifting",
  key: ["id"],
  columns: { id: { type: "bigint" }, rank: { type: "int" } },
  sorts: { rank: [{ column: "rank", direction: "desc", nulls: "last" }] },
  cursor: { keys },
});

describe("P3: writes during a walk", () => {
  beforeAll(async () => {
    await pool.query("create table shifting (id bigint primary key, rank int, note int default 0)");
  });

  const step = fc.record({
    inserts: fc.array(fc.option(fc.integer({ min: 0, max: 5 })), { maxLength: 4 }),
    deletes: fc.array(fc.nat(), { maxLength: 3 }),
    deleteCursorRow: fc.boolean(),
  });

  test("skip no row that stays and repeat none", async () => {
    const cases = fc.record({
      ranks: fc.array(fc.option(fc.integer({ min: 0, max: 5 })), { maxLength: 30 }),
      steps: fc.array(step, { maxLength: 12 }),
      limit: fc.integer({ min: 1, max: 6 }),
      from: fc.constantFrom("start" as const, "end" as const),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ ranks, steps, limit, from }) => {
        await pool.query("truncate shifting");
        const insert = (from: number, values: readonly (number | null)[]): Promise<unknown> =>
          pool.query(
            "insert into shifting select $1::int + n, r from unnest($2::int[]) with ordinality as t(r, n)",
            [from, values],
          );
        await insert(0, ranks);
        const stay = new Set(ranks.map((_, index) => String(index + 1)));
        let highest = ranks.length;
        const seen: string[] = [];
        let page = await readPage(pool, shifting, { limit, from });
        for (let turn = 0; ; turn++) {
          seen.push(...page.rows.map((row) => row.id));
          const cursor = from === "end" ? page.prev : page.next;
          if (cursor === undefined) break;
          const { inserts, deletes, deleteCursorRow } = steps[turn % Math.max(1, steps.length)] ?? {
            inserts: [],
            deletes: [],
            deleteCursorRow: false,
          };
          if (turn < 12) await insert(highest, inserts);
          highest += inserts.length;
          const edge = from === "end" ? page.rows[0] : page.rows.at(-1);
          const gone = deletes.map((n) => String(1 + (n % highest)));
          if (deleteCursorRow && edge !== undefined) gone.push(edge.id);
          await pool.query("delete from shifting where id = any($1::bigint[])", [gone]);
          for (const id of gone) stay.delete(id);
          page = await readPage(pool, shifting, { limit, cursor });
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect([...stay].filter((id) => !seen.includes(id))).toEqual([]);
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  test("by other sessions at the same time do no harm to four concurrent walks", async () => {
    await pool.query("truncate shifting");
    await pool.query(
      "insert into shifting (id, rank) select i, nullif(i % 7, 0) from generate_series(1, 400) i",
    );
    let writing = true;
    let next = 1000;
    const write = async (): Promise<void> => {
      while (writing) {
        const id = next++;
        await pool.query("insert into shifting (id, rank) values ($1, $2)", [
          id,
          id % 9 === 0 ? null : id % 9,
        ]);
        await pool.query("update shifting set note = note + 1 where id = $1", [1 + (id % 400)]);
        if (id % 2 === 0) await pool.query("delete from shifting where id = $1", [id - 1]);
      }
    };
    const writers = [write(), write()];
    const walks = await Promise.all([
      walk(shifting, { limit: 7 }),
      walk(shifting, { limit: 13, sort: "-rank" }),
      walk(shifting, { limit: 7, from: "end" }),
      walk(shifting, { limit: 29 }),
    ]);
    writing = false;
    await Promise.all(writers);
    const stable = Array.from({ length: 400 }, (_, index) => String(index + 1));
    for (const pages of walks) {
      const ids = idsOf(pages);
      expect(new Set(ids).size).toBe(ids.length);
      expect(stable.filter((id) => !ids.includes(id))).toEqual([]);
    }
  });
});

describe("pages at the edges", () => {
  const numbers = (filter: number): PageRequest => ({ filter: sql`id <= ${filter}`, limit: 10 });
  const ids = definePage<Row>({
    from: "edges",
    key: ["id"],
    columns: { id: { type: "bigint" } },
    cursor: { keys },
  });
  beforeAll(async () => {
    await pool.query(
      "create table edges (id bigint primary key); insert into edges select generate_series(1, 60)",
    );
  });

  test("P7: a list of an exact multiple of the limit has no phantom page", async () => {
    for (const size of [0, 1, 9, 10, 11, 20, 30]) {
      const pages = await walk(ids, numbers(size));
      expect(pages.length).toBe(Math.max(1, Math.ceil(size / 10)));
      expect(pages.at(-1)!.hasNext).toBe(false);
      await expectExactWalks(ids, numbers(size), await wholeList("edges", "id", `id <= ${size}`));
    }
  });

  test("a page that emptied behind its cursor leads back, to the row of the cursor too", async () => {
    await pool.query(
      "create table emptied (id bigint primary key); insert into emptied select generate_series(1, 20)",
    );
    const spec = definePage<Row>({
      from: "emptied",
      key: ["id"],
      columns: { id: { type: "bigint" } },
      cursor: { keys },
    });
    const first = await readPage(pool, spec, { limit: 10 });
    const second = await readPage(pool, spec, { limit: 10, cursor: first.next });
    await pool.query("delete from emptied where id > 10");
    const empty = await readPage(pool, spec, { limit: 10, cursor: first.next });
    expect([empty.rows, empty.hasNext, empty.hasPrev]).toEqual([[], false, true]);
    const back = await readPage(pool, spec, { limit: 10, cursor: empty.prev });
    expect(back.rows.map((row) => row.id)).toEqual(first.rows.map((row) => row.id));
    expect([back.hasPrev, back.hasNext]).toEqual([false, false]);
    await pool.query("delete from emptied");
    const nothing = await readPage(pool, spec, { limit: 10, cursor: second.prev });
    expect([nothing.rows, nothing.hasNext, nothing.hasPrev]).toEqual([[], false, false]);
    expect([nothing.next, nothing.prev]).toEqual([undefined, undefined]);
    await pool.query("insert into emptied values (15)");
    const ahead = await readPage(pool, spec, { limit: 10, cursor: second.prev });
    expect([ahead.rows, ahead.hasNext, ahead.hasPrev]).toEqual([[], true, false]);
    const forward = await readPage(pool, spec, { limit: 10, cursor: ahead.next });
    expect(forward.rows).toEqual([{ id: "15" }]);
    expect([forward.hasPrev, forward.hasNext]).toEqual([false, false]);
  });

  test("a page whose first rows were deleted does not claim a page before it", async () => {
    await pool.query(
      "create table headless (id bigint primary key); insert into headless select generate_series(1, 20)",
    );
    const spec = definePage<Row>({
      from: "headless",
      key: ["id"],
      columns: { id: { type: "bigint" } },
      cursor: { keys },
    });
    const first = await readPage(pool, spec, { limit: 10 });
    await pool.query("delete from headless where id <= 10");
    const second = await readPage(pool, spec, { limit: 10, cursor: first.next });
    expect([second.rows.length, second.hasPrev, second.hasNext]).toEqual([10, false, false]);
  });

  test("a composite key in a mixed sort over an expression and a filter with values is walked whole", async () => {
    await pool.query(`create table documents (tenant int, code text collate "C", document jsonb not null, primary key (tenant, code));
      insert into documents select i % 3, 'c' || i, case when i % 5 = 0 then '{"name": null}' else jsonb_build_object('name', 'n' || i % 4, 'owner', jsonb_build_object('team', i % 2)) end
      from generate_series(1, 50) i`);
    interface Document {
      readonly tenant: number;
      readonly code: string;
      readonly name?: string | null;
      readonly owner?: { readonly team: number | null };
    }
    const spec = definePage<Document>({
      from: sql`documents d`,
      key: ["tenant", "code"],
      columns: {
        tenant: { type: "int" },
        code: { type: "text" },
        name: { type: "text", sql: sql`d.document ->> 'name'` },
        "owner.team": { type: "json", sql: sql`d.document -> 'owner' -> 'team'` },
      },
      sorts: { name: ["-name", "tenant"] },
      cursor: { keys },
    });
    const { rows: expected } = await pool.query(
      `select code from documents where tenant <> 1 and code <> 'c7'
       order by document ->> 'name' collate "C" desc nulls first, tenant, code`,
    );
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await readPage(pool, spec, {
        filter: sql`tenant <> ${1} and code <> ${"c7"}`,
        limit: 4,
        cursor,
        fields: ["owner", "name"],
      });
      found.push(...page.rows.map((row) => row.code));
      expect(Object.keys(page.rows[0]!).sort()).toEqual(["code", "name", "owner", "tenant"]);
      expect(page.rows[0]!.owner).toHaveProperty("team");
      cursor = page.next;
    } while (cursor !== undefined);
    expect(found).toEqual(expected.map((row) => row.code));
  });

  test("a sort column that is NULL although declared otherwise is an error, not a lost row", async () => {
    await pool.query(
      "create table wrong (id bigint primary key, a int); insert into wrong select i, null from generate_series(1, 5) i",
    );
    const spec = definePage<Row>({
      from: "wrong",
      key: ["id"],
      columns: { id: { type: "bigint" }, a: { type: "int", nullable: false } },
      sorts: { a: ["a"] },
      cursor: { keys },
    });
    await expect(readPage(pool, spec, { limit: 2 })).rejects.toMatchObject({
      code: "HST_PAGE_ROW",
    });
  });

  test("a driver's own way of giving rows is understood", async () => {
    const page = await readPage(pool, ids, numbers(30));
    const asArray = {
      async query(text: string, values: unknown[]): Promise<unknown> {
        const { rows } = await pool.query(text, values);
        return rows.map((row) =>
          "~other" in row ? { ...row, "~other": row["~other"] ? "t" : "f" } : row,
        );
      },
    };
    const second = await readPage(asArray, ids, { ...numbers(30), cursor: page.next });
    expect([second.hasPrev, second.hasNext, second.rows[0]!.id]).toEqual([true, true, "11"]);
  });

  test("the statement alone is enough: text, values and finish", async () => {
    const query: PageQuery<Row> = pageQuery(ids, {
      limit: "3",
      filter: sql`id > ${trustedSql("10")} and id < ${40}`,
    });
    expect(query.values).toEqual([40]);
    const { rows } = await pool.query(query.text, [...query.values]);
    expect(query.finish(rows).rows).toEqual([{ id: "11" }, { id: "12" }, { id: "13" }]);
  });
});
