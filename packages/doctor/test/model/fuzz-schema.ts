/** Random schemas for the fuzz: the same seed gives the same statements. */

export interface Random {
  /** 0 to below 1. */
  next(): number;
  /** 0 to below `below`. */
  int(below: number): number;
  chance(share: number): boolean;
  pick<T>(from: readonly T[]): T;
}

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    next,
    int,
    chance: (share) => next() < share,
    pick: (from) => {
      const found = from[int(from.length)];
      if (found === undefined) throw new Error("nothing to pick from");
      return found;
    },
  };
}

export type Family = "number" | "text" | "time" | "equal" | "array" | "json" | "range" | "flag";

export interface FuzzColumn {
  readonly name: string;
  readonly type: string;
  readonly family: Family;
  /** SQL for a literal like those in the table. */
  readonly literal: (random: Random) => string;
  /** SQL over `n`, 1 to the number of rows; undefined for a generated column. */
  readonly value: string | undefined;
  readonly generated?: string;
  /** Whether rows lie in its order, so that BRIN is of use. */
  readonly ordered?: boolean;
}

export interface FuzzTable {
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly FuzzColumn[];
  readonly partitioned: boolean;
  readonly setup: readonly string[];
  /** After all are filled: ANALYZE, VACUUM, and what happens to the rows after that. */
  readonly upkeep: readonly string[];
}

export const TYPES = `
create extension if not exists pg_trgm;
create type mood as enum ('bad', 'fair', 'it''s ok', 'good', 'best');
create domain code as varchar(20) check (value <> '');
create type place as (town text, zip int);
create function public.slug(t text) returns text language sql immutable as $$ select lower(left(t, 3)) $$;`;

type Maker = (name: string, random: Random, rows: number) => FuzzColumn;

const whole = (random: Random, most: number): string => String(1 + random.int(most));

const MAKERS: readonly Maker[] = [
  (name, random, rows) => {
    const most = random.pick([3, 40, 700, rows]);
    return {
      name,
      type: random.pick(["int", "bigint", "smallint"].slice(0, most > 30_000 ? 2 : 3)),
      family: "number",
      value: random.pick([
        `1 + n % ${most}`,
        `1 + floor(random() * ${most})::int`,
        `1 + floor(random() ^ 3 * ${most})::int`,
      ]),
      literal: (r) => whole(r, most),
    };
  },
  (name, _, rows) => ({
    name,
    type: "bigint",
    family: "number",
    value: "n / 3",
    ordered: true,
    literal: (r) => whole(r, rows / 3),
  }),
  (name, random) => {
    const most = random.pick([20, 5000]);
    return {
      name,
      type: "numeric(12,2)",
      family: "number",
      value: `round((random() * ${most})::numeric, 2)`,
      literal: (r) => `${r.int(most)}.${10 + r.int(90)}`,
    };
  },
  (name) => ({
    name,
    type: "float8",
    family: "number",
    value: "random() * 1000",
    literal: (r) => (r.next() * 1000).toFixed(3),
  }),
  (name, random) => {
    const most = random.pick([30, 3000]);
    const type = random.pick(["text", "varchar(60)", 'text collate "C"', "code"]);
    return {
      name,
      type,
      family: "text",
      value: `(array['Ä','b','B','é','z-','_x'])[1 + n % 6] || (floor(random() ^ 4 * ${most}))::int`,
      literal: (r) => `'${r.pick(["Ä", "b", "B", "é", "z-", "_x"])}${r.int(most)}'`,
    };
  },
  (name) => ({
    name,
    type: "text",
    family: "text",
    value: "md5(n::text) || ' ' || md5((n % 77)::text)",
    literal: (r) => `'${r.int(0xffff).toString(16)}'`,
  }),
  (name) => ({
    name,
    type: "char(8)",
    family: "equal",
    value: "'c' || n % 50",
    literal: (r) => `'c${r.int(60)}'`,
  }),
  (name) => ({
    name,
    type: "mood",
    family: "equal",
    value: "(enum_range(null::mood))[1 + floor(random() ^ 2 * 5)::int]",
    literal: (r) => `'${r.pick(["bad", "it''s ok", "best"])}'::mood`,
  }),
  (name, _, rows) => ({
    name,
    type: "uuid",
    family: "equal",
    value: "md5(n::text)::uuid",
    literal: (r) => `md5('${r.int(rows)}')::uuid`,
  }),
  (name) => ({
    name,
    type: "inet",
    family: "number",
    value: "'10.0.0.0'::inet + n % 9000",
    literal: (r) => `'10.0.${r.int(40)}.${r.int(250)}'::inet`,
  }),
  (name, random, rows) => ({
    name,
    type: random.pick(["timestamptz", "timestamp"]),
    family: "time",
    value: "timestamp '2025-01-01' + n * interval '7 minutes'",
    ordered: true,
    literal: (r) => `(timestamp '2025-01-01' + interval '${r.int(rows * 7)} minutes')`,
  }),
  (name, random) => ({
    name,
    type: "date",
    family: "time",
    value: random.pick([
      "date '2025-01-01' + (random() * 900)::int",
      "date '2025-01-01' + n % 300",
    ]),
    literal: (r) => `(date '2025-01-01' + ${r.int(950)})`,
  }),
  (name) => ({
    name,
    type: "int[]",
    family: "array",
    value: "array[n % 17, n % 301, floor(random() * 2000)::int]",
    literal: (r) => `'{${r.int(320)}}'::int[]`,
  }),
  (name) => ({
    name,
    type: "jsonb",
    family: "json",
    value: "jsonb_build_object('kind', 'k' || n % 90, 'deep', jsonb_build_object('a', n % 7))",
    literal: (r) => `'{"kind": "k${r.int(95)}"}'::jsonb`,
  }),
  (name) => ({
    name,
    type: "int4range",
    family: "range",
    value: "int4range(n % 5000, n % 5000 + 1 + (random() * 30)::int)",
    literal: (r) => `int4range(${r.int(5000)}, ${5000 + r.int(50)})`,
  }),
  (name) => ({
    name,
    type: "boolean",
    family: "flag",
    value: "random() < 0.03",
    literal: () => "true",
  }),
  (name) => ({
    name,
    type: "place",
    family: "equal",
    value: "row('t' || n % 40, n % 9)::place",
    literal: (r) => `row('t${r.int(45)}', ${r.int(9)})::place`,
  }),
  (name, random) => ({
    name,
    type: "int",
    family: "number",
    value: undefined,
    generated:
      random.pick(["(id % 90)::int", "(id / 11)::int"]) + random.pick([" stored", " virtual"]),
    literal: (r) => String(r.int(100)),
  }),
  (name) => ({
    name,
    type: "text",
    family: "text",
    // Wider than a page's share: kept out of line.
    value:
      "case when n % 40 = 0 then (select string_agg(md5((n * i)::text), '') from generate_series(1, 120) i) else 'short' || n % 9 end",
    literal: (r) => `'short${r.int(10)}'`,
  }),
];

function columnsOf(random: Random, rows: number): readonly FuzzColumn[] {
  const count = 3 + random.int(6);
  return Array.from({ length: count }, (_, at) => {
    const name = random.chance(0.1) ? `Odd "${at}` : `c${at}`;
    const made = random.pick(MAKERS)(name, random, rows);
    if (made.value === undefined || !random.chance(0.25)) return made;
    const share = random.pick([0.05, 0.4, 0.95]);
    return { ...made, value: `case when random() > ${share} then ${made.value} end` };
  });
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const ID: FuzzColumn = {
  name: "id",
  type: "bigint",
  family: "number",
  value: "n",
  ordered: true,
  literal: (r) => whole(r, 20_000),
};

/** Tables `t0`, `t1` …, of which later ones refer to earlier ones. */
export function fuzzTables(random: Random, most: number): readonly FuzzTable[] {
  const tables: FuzzTable[] = [];
  const count = 3 + random.int(2);
  for (let at = 0; at < count; at++) {
    const rows = random.pick([300, most / 4, most / 2, most]);
    const before = tables.filter(({ partitioned }) => !partitioned);
    const parent = before.length > 0 && random.chance(0.8) ? random.pick(before) : undefined;
    tables.push(tableOf(random, { at, rows, parent }));
  }
  return tables;
}

function tableOf(
  random: Random,
  of: { at: number; rows: number; parent: FuzzTable | undefined },
): FuzzTable {
  const { rows, parent } = of;
  const name = `t${of.at}`;
  const reference: FuzzColumn | undefined =
    parent === undefined
      ? undefined
      : {
          name: "ref",
          type: "bigint",
          family: "number",
          value: random.pick([
            `1 + floor(random() * ${parent.rows})::bigint`,
            `1 + floor(random() ^ 3 * ${parent.rows})::bigint`,
            `1 + (n * ${parent.rows}::bigint / ${rows + 1})`,
          ]),
          literal: (r) => whole(r, parent.rows),
        };
  const columns = [ID, ...(reference === undefined ? [] : [reference]), ...columnsOf(random, rows)];
  const shape = random.int(10);
  const partitioned = shape < 3;
  const given = columns.filter(({ value }) => value !== undefined);
  const fill = (from: number, to: number): string =>
    `insert into ${name} (${given.map((c) => quoted(c.name)).join(", ")}) select ${given.map((c) => c.value).join(", ")} from generate_series(${from}, ${to}) n`;
  const body = columns
    .map(
      (c) =>
        `${quoted(c.name)} ${c.type}${c.generated === undefined ? "" : ` generated always as ${generatedText(c.generated)}`}${c.name === "id" ? " not null" : ""}`,
    )
    .join(", ");
  const setup = [
    `create table ${name} (${body})${partitionKey(shape)}`,
    ...partitionsOf(name, shape, rows),
    ...(shape === 3
      ? [
          `create table ${name}_child (extra int) inherits (${name}) with (autovacuum_enabled = off)`,
        ]
      : []),
    ...(partitioned
      ? []
      : [
          `alter table ${name} set (autovacuum_enabled = off${random.chance(0.2) ? ", fillfactor = 70" : ""})`,
        ]),
    `alter table ${name} add primary key (id)`,
    ...(parent === undefined
      ? []
      : [`alter table ${name} add foreign key (ref) references ${parent.name} (id)`]),
    ...(random.chance(0.3) ? [`alter table ${name} add check (id > 0)`] : []),
    fill(1, rows),
    ...(shape === 3
      ? [`insert into ${name}_child (id) select n from generate_series(1, 2000) n`]
      : []),
    ...existingIndexes(random, name, columns),
  ];
  return {
    name,
    rows,
    columns,
    partitioned,
    setup,
    upkeep: upkeepOf(random, { name, rows, fill }),
  };
}

function generatedText(text: string): string {
  const at = text.lastIndexOf(" ");
  return `(${text.slice(0, at)})${text.slice(at)}`;
}

function partitionKey(shape: number): string {
  return shape < 2 ? " partition by range (id)" : shape === 2 ? " partition by hash (id)" : "";
}

function partitionsOf(name: string, shape: number, rows: number): readonly string[] {
  const off = "with (autovacuum_enabled = off)";
  const half = Math.floor(rows / 2);
  if (shape === 0)
    return [
      `create table ${name}_a partition of ${name} for values from (minvalue) to (${half}) ${off}`,
      `create table ${name}_rest partition of ${name} default ${off}`,
    ];
  if (shape === 1)
    return [
      `create table ${name}_a partition of ${name} for values from (minvalue) to (${half}) partition by hash (id)`,
      ...[0, 1].map(
        (r) =>
          `create table ${name}_a${r} partition of ${name}_a for values with (modulus 2, remainder ${r}) ${off}`,
      ),
      `create table ${name}_b partition of ${name} for values from (${half}) to (maxvalue) ${off}`,
    ];
  if (shape === 2)
    return [0, 1, 2].map(
      (r) =>
        `create table ${name}_h${r} partition of ${name} for values with (modulus 3, remainder ${r}) ${off}`,
    );
  return [];
}

function existingIndexes(
  random: Random,
  name: string,
  columns: readonly FuzzColumn[],
): readonly string[] {
  const made: string[] = [];
  for (const column of columns.slice(1)) {
    if (!random.chance(0.25)) continue;
    if (column.generated?.endsWith(" virtual") === true) continue;
    made.push(`create index on ${name} ${indexBody(random, column, columns)}`);
  }
  return made;
}

function indexBody(random: Random, column: FuzzColumn, columns: readonly FuzzColumn[]): string {
  const own = quoted(column.name);
  const more = random.pick(columns.filter(isSortable));
  switch (column.family) {
    case "array":
    case "json":
      return `using gin (${own})`;
    case "range":
      return `using gist (${own})`;
    case "text":
      if (!isSortable(column)) return `using hash (${own})`;
      if (random.chance(0.2)) return `using gin (${own} gin_trgm_ops)`;
      return random.pick([
        `(${own} text_pattern_ops)`,
        `(lower(${own}))`,
        `(public.slug(${own}), id)`,
        `(${own})`,
        `using hash (${own})`,
      ]);
    default:
      if (column.ordered === true && random.chance(0.3)) return `using brin (${own})`;
      return random.pick([
        `(${own})`,
        `(${own}, ${quoted(more.name)} desc)`,
        `(${own}) where ${own} is not null`,
        `(${own}) include (${quoted(more.name)})`,
      ]);
  }
}

/** Of which a b-tree can be made, and which may stand in an index at all. */
export function isSortable(column: FuzzColumn): boolean {
  return (
    !["array", "json", "range"].includes(column.family) &&
    column.generated?.endsWith(" virtual") !== true &&
    column.value?.includes("string_agg") !== true
  );
}

function upkeepOf(
  random: Random,
  of: { name: string; rows: number; fill: (from: number, to: number) => string },
): readonly string[] {
  const { name, rows, fill } = of;
  switch (random.int(6)) {
    case 0:
      return [`analyze ${name}`];
    case 1:
      return [`analyze ${name}`, fill(rows + 1, Math.round(rows * 1.4))];
    case 2:
      return [
        `vacuum analyze ${name}`,
        `delete from ${name} where id > ${rows * 0.6}`,
        `vacuum ${name}`,
      ];
    case 3:
      return [`vacuum analyze ${name}`, `update ${name} set id = id where id % 3 = 0`];
    case 4:
      return random.chance(0.5) ? [] : [`vacuum ${name}`];
    default:
      return [`vacuum analyze ${name}`];
  }
}
