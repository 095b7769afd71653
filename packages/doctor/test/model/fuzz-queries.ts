import type { Candidate, CandidateKey } from "../../src/candidates/types.ts";
import { type FuzzColumn, type FuzzTable, isSortable, quoted, type Random } from "./fuzz-schema.ts";

/** A random statement over the tables; some hold `$1` and are planned without its value. */
export function fuzzQuery(random: Random, tables: readonly FuzzTable[]): string {
  const table = random.pick(tables);
  const child = tables.find(({ columns }) => columns.some(({ name }) => name === "ref"));
  const parent = random.pick(tables);
  const where = (alias: string, of: FuzzTable, most = 3): string =>
    conditions(random, { alias, table: of, most });
  const sortable = (of: FuzzTable): string =>
    quoted(random.pick(of.columns.filter(isSortable)).name);
  const join = child === undefined ? "t.id = p.id" : "t.ref = p.id";
  const joined = child ?? table;
  switch (random.int(14)) {
    case 0:
    case 1:
    case 2:
      return `select * from ${table.name} t where ${where("t", table)}`;
    case 3:
      return `select t.id, t.${sortable(table)} from ${table.name} t where ${where("t", table, 1)} order by t.${sortable(table)}${random.pick(["", " desc"])} limit ${1 + random.int(50)}`;
    case 4:
      return `select t.${sortable(table)}, count(*), max(id) from ${table.name} t where ${where("t", table, 1)} group by 1`;
    case 5:
    case 6:
      return `select p.id, t.${sortable(joined)} from ${joined.name} t join ${parent.name} p on ${join} where ${where("p", parent)}`;
    case 7:
      return `select count(*) from ${joined.name} t left join ${parent.name} p on ${join} and ${where("p", parent, 1)} where ${where("t", joined, 1)}`;
    case 8:
      return `select * from ${parent.name} p where ${random.pick(["", "not "])}exists (select from ${joined.name} t where ${join} and ${where("t", joined, 2)})`;
    case 9:
      return `with c as (select id from ${table.name} t where ${where("t", table, 1)} order by t.${sortable(table)} limit 100) select * from c join ${parent.name} p using (id) where ${where("p", parent, 1)}`;
    case 10:
      return `select id from ${table.name} t where ${where("t", table, 1)} union ${random.pick(["", "all "])}select id from ${parent.name} p where ${where("p", parent, 1)}`;
    case 11:
      return `select id, row_number() over (partition by t.${sortable(table)} order by t.${sortable(table)}) from ${table.name} t where ${where("t", table, 1)}`;
    case 12:
      return `select distinct t.${sortable(table)} from ${table.name} t where ${where("t", table, 1)}`;
    default:
      return `select id from ${table.name} t where t.id in (select ref_.id from ${parent.name} ref_ where ${where("ref_", parent, 2)}) and ${where("t", table, 1)}`;
  }
}

function conditions(random: Random, of: { alias: string; table: FuzzTable; most: number }): string {
  const count = 1 + random.int(of.most);
  const parts = Array.from({ length: count }, () =>
    condition(random, of.alias, random.pick(of.table.columns)),
  );
  return random.chance(0.15) ? `(${parts.join(" or ")})` : parts.join(" and ");
}

function condition(random: Random, alias: string, column: FuzzColumn): string {
  const own = `${alias}.${quoted(column.name)}`;
  const literal = (): string => column.literal(random);
  if (random.chance(0.08)) return `${own} is ${random.pick(["", "not "])}null`;
  switch (column.family) {
    case "flag":
      return random.pick([own, `not ${own}`]);
    case "array":
      return `${own} ${random.pick(["@>", "&&"])} ${literal()}`;
    case "json":
      return random.pick([`${own} @> ${literal()}`, `${own} ->> 'kind' = 'k7'`]);
    case "range":
      return random.pick([`${own} && ${literal()}`, `${own} @> ${random.int(5000)}`]);
    case "text":
      return random.pick([
        `${own} = ${literal()}`,
        `${own} like ${literal().replace(/'$/, "%'")}`,
        `${own} like '%${random.int(99)}%'`,
        `lower(${own}) = ${literal()}`,
        `${own} > ${literal()}`,
        `${own} = $1`,
      ]);
    case "equal":
      return random.pick([
        `${own} = ${literal()}`,
        `${own} in (${literal()}, ${literal()})`,
        `${own} <> ${literal()}`,
      ]);
    default:
      return random.pick([
        `${own} = ${literal()}`,
        `${own} < ${literal()}`,
        `${own} >= ${literal()}`,
        `${own} between ${literal()} and ${literal()}`,
        `${own} in (${literal()}, ${literal()}, ${literal()})`,
        `${own} = $${1 + random.int(2)}`.replace("$2", "$1"),
      ]);
  }
}

/** A random index; `undefined` when the column chosen takes none. */
export function fuzzCandidate(
  random: Random,
  table: FuzzTable,
  relation: number,
): Candidate | undefined {
  const sortable = table.columns.filter(isSortable);
  const column = random.pick(table.columns);
  const base = {
    relation,
    include: [],
    predicate: undefined,
    reasons: [],
    statements: [],
    extension: undefined,
  };
  const id = `${table.name} ${column.name} ${random.int(1e9)}`;
  const key = (c: FuzzColumn, more: Partial<CandidateKey> = {}): CandidateKey => ({
    column: c.name,
    sql: quoted(c.name),
    descending: false,
    nullsFirst: false,
    opclass: undefined,
    ...more,
  });
  switch (column.family) {
    case "array":
    case "json":
      return { ...base, id, method: "gin", keys: [key(column)] };
    case "range":
      return { ...base, id, method: "gist", keys: [key(column)] };
    case "text":
      if (random.chance(0.2))
        return { ...base, id, method: "gin", keys: [key(column, { opclass: "gin_trgm_ops" })] };
  }
  if (!isSortable(column)) return undefined;
  if (column.ordered === true && random.chance(0.2))
    return { ...base, id, method: "brin", keys: [key(column)] };
  const others = sortable.filter(({ name }) => name !== column.name && name !== "id");
  const second =
    others.length > 0 && random.chance(0.5)
      ? [key(random.pick(others), random.chance(0.4) ? { descending: true, nullsFirst: true } : {})]
      : [];
  const opclass = column.family === "text" && random.chance(0.3) ? "text_pattern_ops" : undefined;
  return {
    ...base,
    id,
    method: "btree",
    keys: [key(column, { opclass }), ...second],
    include: random.chance(0.2) ? ["id"].filter((name) => name !== column.name) : [],
    predicate: random.chance(0.2)
      ? condition(random, "t", column)
          .replaceAll("t.", "")
          .replace(/.*\$1.*/, `${quoted(column.name)} is not null`)
      : undefined,
  };
}
