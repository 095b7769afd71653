/** Random SELECTs over the schema of the soundness test: every result is two text columns. */
import type { Random } from "./random.ts";

export type Kind = "int" | "text" | "bool" | "enum" | "uuid";

export interface Columns {
  readonly [name: string]: Kind;
}

/** Every table has `id int`, so that joins always have something in common. */
export const RELATIONS: Readonly<Record<string, Columns>> = {
  users: { id: "int", team: "int", name: "text", active: "bool" },
  posts: { id: "int", author: "int", kind: "enum", token: "uuid" },
  pairs: { id: "int", code: "text", score: "int" },
  whole: { id: "int", code: "text", active: "bool" },
  parts: { id: "int", region: "int", name: "text" },
  parts_low: { id: "int", region: "int", name: "text" },
  base: { id: "int", name: "text" },
  derived: { id: "int", name: "text", extra: "int" },
  authors: { id: "int", name: "text", kind: "enum" },
  actives: { id: "int", team: "int" },
  nested: { id: "int", name: "text" },
};

export const UUIDS: readonly string[] = [0, 1, 2].map(
  (n) => `a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1${n}`,
);

export interface Query {
  readonly text: string;
  readonly values: unknown[];
}

interface Item {
  readonly alias: string;
  readonly columns: Columns;
}

interface Building {
  readonly random: Random;
  readonly values: unknown[];
  /** Names of common table expressions in scope. */
  readonly ctes: ReadonlyMap<string, Columns>;
  /** Items of the queries around. */
  readonly outer: readonly Item[];
  depth: number;
}

let aliases = 0;

/** `with`: every one has a WITH clause; `flat`: one table or a join, no more. */
export type Emphasis = "with" | "flat";

export function query(random: Random, emphasis?: Emphasis): Query {
  aliases = 0;
  const values: unknown[] = [];
  const building = { random, values, ctes: new Map(), outer: [], depth: 0 };
  const text =
    emphasis === "with"
      ? withClause(building)
      : statement({ ...building, depth: emphasis === "flat" ? 2 : 0 });
  return { text, values };
}

export function literal(random: Random, kind: Kind): unknown {
  switch (kind) {
    case "int":
      return random.below(6);
    case "text":
      return random.one(["a", "b", "c", "a:b", "it's"]);
    case "bool":
      return random.chance(0.5);
    case "enum":
      return random.one(["news", "note"]);
    default:
      return random.one(UUIDS);
  }
}

export function quoted(value: unknown): string {
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
}

function statement(building: Building): string {
  const { random, depth } = building;
  if (depth < 2 && random.chance(0.3)) return withClause(building);
  if (depth < 2 && random.chance(0.2)) {
    const how = random.one(["union", "union all", "intersect", "except"]);
    const deeper = { ...building, depth: depth + 1 };
    return `(${statement(deeper)}) ${how} (${statement(deeper)})`;
  }
  return select(building);
}

function withClause(building: Building): string {
  const { random } = building;
  const ctes = new Map(building.ctes);
  const columns: Columns = { id: "int", name: "text" };
  if (random.chance(0.25)) {
    const name = random.one(["r", "users"]);
    const start = select({ ...building, depth: 3 }, `(${one(building, "int")})::int as id`);
    ctes.set(name, { id: "int" });
    const step = `select p.id from posts p join ${name} on p.author = ${name}.id where p.id > ${name}.id`;
    const rest = select({ ...building, ctes, depth: 2 });
    return `with recursive ${name} as (${start} union ${step}) ${rest}`;
  }
  const parts: string[] = [];
  for (let left = 1 + random.below(2); left > 0; left--) {
    // Also names of tables, which then mean the expression, but not inside of it.
    const name = random.one(["users", "posts", "x", "y"].filter((it) => !ctes.has(it)));
    const body = select(
      { ...building, ctes: new Map(ctes), depth: 2 },
      `${one(building, "int")}::int as id, 'a'::text as name`,
    );
    parts.push(`${name} as (${body})`);
    ctes.set(name, columns);
  }
  return `with ${parts.join(", ")} ${select({ ...building, ctes, depth: building.depth + 1 })}`;
}

function one({ random }: Building, kind: Kind): string {
  return quoted(literal(random, kind));
}

/** `list` replaces the two text columns, where the query's items do not matter. */
function select(building: Building, list?: string): string {
  const { random } = building;
  const items: Item[] = [];
  let from = item(building, items);
  for (let left = random.one([0, 0, 1, 1, 2]); left > 0; left--)
    from = joined(building, items, from);
  const where = random.chance(0.8) ? ` where ${condition(building, items, 0)}` : "";
  if (list !== undefined)
    return `select ${list.replace(/^\d+::int/, `${items[0]!.alias}.id`)} from ${from}${where}`;
  if (random.chance(0.25))
    return `select count(*)::text, coalesce(sum(${items[0]!.alias}.id), 0)::text from ${from}${where}`;
  const columns = `${anyColumn(random, items)}::text, ${anyColumn(random, items)}::text`;
  const limit = random.chance(0.2) ? ` order by 1, 2 limit ${1 + random.below(3)}` : "";
  const distinct = random.chance(0.2) ? "distinct " : "";
  return `select ${distinct}${columns} from ${from}${where}${limit}`;
}

function joined(building: Building, items: Item[], left: string): string {
  const { random } = building;
  const kind = random.one(["join", "left join", "right join", "full join", "cross join", ","]);
  const before = [...items];
  const right = item(building, items, kind === "right join" || kind === "full join" ? [] : before);
  if (kind === ",") return `${left} cross join ${right}`;
  if (kind === "cross join") return `(${left} cross join ${right})`;
  if (random.chance(0.15) && !/ lateral /.test(right) && before.length === 1)
    return `(${left} ${kind} ${right} using (id))`;
  const on = items.at(-1)!;
  const equal = `${random.one(before).alias}.id = ${on.alias}.id`;
  // A full join needs a condition that can be hashed.
  const scope = kind === "full join" ? { ...building, outer: [] } : building;
  const more = random.chance(0.4) ? ` and ${simple(scope, items)}` : "";
  return `(${left} ${kind} ${right} on ${equal}${more})`;
}

function item(building: Building, items: Item[], around: readonly Item[] = []): string {
  const { random } = building;
  aliases += 1;
  const alias = `t${aliases}`;
  if (building.depth < 2 && random.chance(0.2)) {
    const lateral = around.length > 0 && random.chance(0.5);
    const inner: Item[] = [];
    const deeper = {
      ...building,
      depth: building.depth + 1,
      outer: lateral ? [...building.outer, ...around] : building.outer,
    };
    const from = item(deeper, inner);
    const where = condition(deeper, inner, 1);
    items.push({ alias, columns: { id: "int", name: "text" } });
    return `${lateral ? "lateral " : ""}(select ${inner[0]!.alias}.id, 'n' || ${inner[0]!.alias}.id as name from ${from} where ${where}) ${alias}`;
  }
  const ctes = [...building.ctes.keys()];
  const name =
    ctes.length > 0 && random.chance(0.6) ? random.one(ctes) : random.one(Object.keys(RELATIONS));
  items.push({ alias, columns: building.ctes.get(name) ?? RELATIONS[name]! });
  if (!building.ctes.has(name) && random.chance(0.1)) return `public.${name} ${alias}`;
  return `${name} ${alias}`;
}

function anyColumn(random: Random, items: readonly Item[]): string {
  const { alias, columns } = random.one(items);
  return `${alias}.${random.one(Object.keys(columns))}`;
}

function condition(building: Building, items: readonly Item[], depth: number): string {
  const { random } = building;
  if (depth < 2 && random.chance(0.3)) {
    const how = random.one([" and ", " or "]);
    return `(${condition(building, items, depth + 1)}${how}${condition(building, items, depth + 1)})`;
  }
  if (depth < 2 && random.chance(0.1)) return `not (${condition(building, items, depth + 1)})`;
  if (building.depth < 2 && random.chance(0.15)) return subquery(building, items);
  return simple(building, items);
}

function subquery(building: Building, items: readonly Item[]): string {
  const { random } = building;
  const deeper: Building = {
    ...building,
    depth: building.depth + 1,
    outer: [...building.outer, ...items],
  };
  const inner: Item[] = [];
  const from = item(deeper, inner);
  const where = condition(deeper, inner, 1);
  const column = `${random.one(items).alias}.id`;
  switch (random.below(4)) {
    case 0:
      return `exists (select 1 from ${from} where ${inner[0]!.alias}.id = ${column} and ${where})`;
    case 1:
      return `${column} not in (select ${inner[0]!.alias}.id from ${from} where ${where})`;
    case 2:
      return `${column} = any (select ${inner[0]!.alias}.id from ${from} where ${where})`;
    default:
      return `${column} < (select count(*) from ${from} where ${where})`;
  }
}

/** One comparison, most often an equality; unqualified where only one item is in scope. */
function simple(building: Building, items: readonly Item[]): string {
  const { random, values } = building;
  const subject = random.one(
    random.chance(0.9) || building.outer.length === 0 ? items : building.outer,
  );
  // Keys more often: rows are told by them.
  const name = random.chance(0.4) ? "id" : random.one(Object.keys(subject.columns));
  const kind = subject.columns[name]!;
  const alone = items.length === 1 && subject === items[0];
  const column = alone && random.chance(0.5) ? name : `${subject.alias}.${name}`;
  const value = (): string => {
    if (random.chance(0.5)) return quoted(literal(random, kind));
    values.push(literal(random, kind));
    return `$${values.length}`;
  };
  const cast = { int: "int", text: "text", bool: "bool", enum: "kinds", uuid: "uuid" }[kind];
  switch (random.below(9)) {
    case 0:
      return `${column} in (${value()}, ${value()})`;
    case 1: {
      values.push([literal(random, kind), literal(random, kind)]);
      return `${column} = any ($${values.length}::${cast}[])`;
    }
    case 2:
      return `${column} is ${random.chance(0.5) ? "" : "not "}null`;
    case 3:
      return `${column} ${random.one(["<", ">=", "<>"])} ${value()}`;
    case 4:
      return kind === "bool"
        ? `${random.chance(0.5) ? "not " : ""}${column}`
        : `${column} = ${value()}`;
    case 5:
      return `${value()} = ${column}`;
    case 6:
      return `${column} = ${value()}::${cast}`;
    default:
      return `${column} = ${value()}`;
  }
}
