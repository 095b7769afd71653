/** A database with the tables of four systems, and as many different statements over them as asked. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type pg from "pg";

const FOREIGN = fileURLToPath(new URL("../../../packages/doctor/test/foreign/", import.meta.url));
const SYSTEMS = ["tpch", "mastodon", "miniflux"] as const;

/** Each system's tables in a schema of its own, filled and analysed. */
export async function build(client: pg.Client): Promise<void> {
  await client.query("create extension pg_stat_statements");
  for (const system of SYSTEMS) {
    await client.query(`create schema ${system}; set search_path to ${system}`);
    await client.query(readFileSync(`${FOREIGN}${system}/schema.sql`, "utf8"));
    // VACUUM takes no transaction, which a text of several statements would be.
    for (const part of readFileSync(`${FOREIGN}${system}/data.sql`, "utf8").split(/;\s*$/m))
      if (part.trim() !== "") await client.query(part);
  }
  await client.query("reset search_path");
}

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
}

/** Deterministic: the same `count` gives the same statements. */
export async function statements(client: pg.Client, count: number): Promise<readonly string[]> {
  const { rows } = await client.query<Column>(
    `select format('%I.%I', n.nspname, c.relname) as table, quote_ident(a.attname) as name,
       format_type(a.atttypid, null) as type
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
     where n.nspname = any($1) and c.relkind = 'r' and c.reltuples > 1000
       and a.atttypid in (20, 21, 23, 25, 1043, 16, 1082, 1114, 1184, 1700, 1042)
     order by 1, a.attnum`,
    [SYSTEMS],
  );
  const tables = [...new Set(rows.map((row) => row.table))];
  const random = generator(SEED);
  const texts = new Set<string>();
  while (texts.size < count) texts.add(statement(rows, tables, random));
  return [...texts];
}

const SEED = 42;
const ORDERED = /int|date|time|numeric/;

function statement(
  columns: readonly Column[],
  tables: readonly string[],
  random: () => number,
): string {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const table = pick(tables);
  const own = columns.filter((column) => column.table === table);
  const equal = [...new Set(Array.from({ length: 1 + Math.floor(random() * 2) }, () => pick(own)))];
  const ordered = own.filter((column) => ORDERED.test(column.type));
  const conditions = equal.map((column, at) => `${column.name} = $${at + 1}::${column.type}`);
  const ranged = random() < 0.4 ? pick(ordered) : undefined;
  if (ranged !== undefined)
    conditions.push(`${ranged.name} > $${conditions.length + 1}::${ranged.type}`);
  const output = random() < 0.5 ? "*" : pick(own).name;
  const tail =
    random() < 0.5
      ? ` order by ${pick(ordered).name}${random() < 0.5 ? " desc" : ""} limit 20`
      : "";
  return `select ${output} from ${table} where ${conditions.join(" and ")}${tail}`;
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Runs each statement once, so that pg_stat_statements knows it, with parameters that find nothing. */
export async function run(client: pg.Client, texts: readonly string[]): Promise<void> {
  await client.query("select pg_stat_statements_reset()");
  for (const text of texts) {
    const count = new Set(text.match(/\$\d+/g)).size;
    await client.query(
      text,
      Array.from({ length: count }, () => null),
    );
  }
}
