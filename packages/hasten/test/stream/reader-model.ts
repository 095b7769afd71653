/** Random transactions on a real server, and which tags they have to drop, computed beside it. */
import type pg from "pg";
import type { ColumnKind } from "../../src/postgres/statements/interest.ts";
import { row } from "./world.ts";

export type Random = (below: number) => number;

/** A generator of its own, so that a seed tells the whole run. */
export function random(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export interface ModelTable {
  readonly name: string;
  readonly setup: string;
  /** Columns that row tags are made of. */
  readonly columns: Readonly<Record<string, ColumnKind>>;
  /** The server refuses to change rows of a table that has no identity. */
  readonly insertOnly?: boolean;
}

/** `n` identifies a row for the model; `id`, `kind`, `code` and `flag` may be tagged. */
const COLUMNS =
  "pad text, n int not null, id bigint not null, kind text, code uuid not null, flag bool not null, body text";
const table = (name: string, columns: Record<string, ColumnKind>, rest: string): ModelTable => ({
  name,
  columns,
  setup: `create table ${name} (${COLUMNS}); alter table ${name} alter body set storage external; ${rest}`,
});
export const TABLES: readonly ModelTable[] = [
  table("by_key", { id: "integer" }, "alter table by_key add primary key (id)"),
  table(
    "by_pair",
    { id: "integer", flag: "boolean" },
    "alter table by_pair add primary key (id, flag)",
  ),
  table(
    "by_index",
    { code: "uuid" },
    `alter table by_index add primary key (n); create unique index by_index_code on by_index (code);
     alter table by_index replica identity using index by_index_code`,
  ),
  table(
    "by_all",
    { id: "integer", kind: "text", flag: "boolean" },
    "alter table by_all replica identity full",
  ),
  table("by_other", { id: "integer", kind: "text" }, "alter table by_other add primary key (id)"),
  table("as_whole", {}, "alter table as_whole add primary key (id)"),
  {
    ...table("by_nothing", { id: "integer" }, "alter table by_nothing replica identity nothing"),
    insertOnly: true,
  },
];

type Row = Readonly<Record<string, string | null>>;

/** What one round of transactions must drop, and may drop. */
export class Round {
  /** One of each must be dropped: a row tag, or its table's broad tag. */
  readonly must: Set<string> = new Set();
  /** Tables that committed transactions changed. */
  readonly changed: Set<string> = new Set();
  /** Whose rows are gone, whoever made them. */
  readonly truncated: Set<string> = new Set();
  /** Their columns are told again with their next change. */
  readonly altered: Set<string> = new Set();
  /** Tables, and row tags, of what those also did that was rolled back to a savepoint. */
  readonly touched: Set<string> = new Set();
  readonly may: Set<string> = new Set();
  /** Tables whose rows need not be known: truncated, altered, too many, without an identity. */
  readonly broad: Set<string> = new Set();
}

interface Need {
  readonly table: string;
  readonly tags: readonly string[];
  readonly truncates: boolean;
}

/** One session: its rows are its own, so that sessions do not wait for one another. */
export class Session {
  readonly #client: pg.Client;
  readonly #random: Random;
  readonly #first: number;
  #next = 0;
  #steps = 0;
  #rows = new Map<string, Map<string, Row>>();

  constructor(client: pg.Client, random: Random, at: number) {
    this.#client = client;
    this.#random = random;
    this.#first = at * 10_000_000;
  }

  /** One transaction; `alone`: no other runs, so that tables may be locked. */
  async transaction(round: Round, alone: boolean): Promise<void> {
    const before = this.#copy();
    let needs: Need[] = [];
    const savepoints: { rows: Map<string, Map<string, Row>>; needs: Need[] }[] = [];
    const tried: Need[] = [];
    const big = this.#random(6) === 0;
    await this.#client.query("begin");
    for (let left = 1 + this.#random(big ? 12 : 6); left > 0; left--) {
      const dice = this.#random(12);
      if (dice === 0) {
        await this.#client.query(`savepoint s${savepoints.length}`);
        savepoints.push({ rows: this.#copy(), needs: [...needs] });
      } else if (dice === 1 && savepoints.length > 0) {
        const saved = savepoints.pop()!;
        await this.#client.query(`rollback to s${savepoints.length}`);
        this.#rows = saved.rows;
        needs = saved.needs;
      } else
        await this.#step(round, { big, alone }, (one) => {
          needs.push(one);
          tried.push(one);
        });
    }
    if (this.#random(4) === 0) {
      await this.#client.query("rollback");
      this.#rows = before;
      return;
    }
    await this.#client.query("commit");
    for (const { table, tags } of tried) {
      round.touched.add(table);
      for (const tag of tags) round.may.add(tag);
    }
    for (const { table, tags, truncates } of needs) {
      round.changed.add(table);
      if (truncates) round.truncated.add(table);
      for (const tag of tags) round.must.add(tag);
    }
  }

  /** Large enough to be streamed before its end, with a savepoint that is rolled back in between. */
  async streamed(round: Round, { name }: ModelTable, read: () => Promise<void>): Promise<void> {
    const many = (): Row[] => Array.from({ length: 200 }, () => this.#fresh());
    const [kept, undone] = [many(), many()];
    await this.#client.query("begin");
    await this.#insert(name, kept);
    await this.#client.query("savepoint s");
    await this.#insert(name, undone);
    await read();
    await this.#client.query("rollback to s; commit");
    round.changed.add(name);
    round.touched.add(name);
    const table = TABLES.find((one) => one.name === name)!;
    for (const one of kept) for (const tag of tagsOf(table, one)) round.must.add(tag);
    for (const one of [...kept, ...undone])
      for (const tag of tagsOf(table, one)) round.may.add(tag);
    for (const one of kept) this.#of(name).set(one["n"]!, one);
  }

  async #step(
    round: Round,
    { big, alone }: { big: boolean; alone: boolean },
    told: (need: Need) => void,
  ): Promise<void> {
    const table = TABLES[this.#random(TABLES.length)]!;
    const rows = this.#of(table.name);
    const need = (touched: readonly Row[], truncates = false): void => {
      const tags = touched.flatMap((one) => tagsOf(table, one));
      told({ table: table.name, tags, truncates });
    };
    if (big) round.broad.add(table.name);
    if (alone && this.#random(6) === 0) return this.#alter(table, round, need);
    const dice = this.#random(5);
    if (table.insertOnly || dice < 2 || rows.size === 0) {
      const many = big
        ? 1 + this.#random(this.#random(6) === 0 ? 1_300 : 200)
        : 1 + this.#random(3);
      const fresh = Array.from({ length: many }, () => this.#fresh());
      await this.#insert(table.name, fresh);
      for (const one of fresh) rows.set(one["n"]!, one);
      need(fresh);
      return;
    }
    const all = [...rows.keys()];
    const from = this.#random(all.length);
    const some = all.slice(from, from + 1 + this.#random(big ? 60 : 3));
    const list = some.join(",");
    if (dice === 2) {
      await this.#client.query(`delete from ${table.name} where n in (${list})`);
      need(some.map((n) => rows.get(n)!));
      for (const n of some) rows.delete(n);
      return;
    }
    const set = this.#change();
    const assigned = Object.entries(set).map(([name, to]) => `${name} = ${to.sql}`);
    await this.#client.query(
      `update ${table.name} set ${assigned.join(", ")} where n in (${list})`,
    );
    for (const n of some) {
      const old = rows.get(n)!;
      const now = { ...old };
      for (const [name, to] of Object.entries(set)) now[name] = to.of(old);
      rows.set(n, now);
      need([old, now]);
    }
  }

  /** What no other transaction can run beside. Columns move: `pad` is the first one, or the last. */
  async #alter(
    table: ModelTable,
    round: Round,
    need: (rows: readonly Row[], truncates?: boolean) => void,
  ): Promise<void> {
    const { name } = table;
    round.broad.add(name);
    round.altered.add(name);
    if (this.#random(2) === 0) {
      const rows = this.#of(name);
      await this.#client.query(`truncate ${name}`);
      // Of everybody's rows: the whole table is meant.
      need([...rows.values()], true);
      rows.clear();
      return;
    }
    await this.#client.query(
      `alter table ${name} drop column pad; alter table ${name} add column pad text`,
    );
  }

  async #insert(name: string, rows: readonly Row[]): Promise<void> {
    const text = `insert into ${name} (n, id, kind, code, flag, body)
      select n::int, id::bigint, kind, code::uuid, flag::bool, repeat('x', (n::int % 5) * 700)
      from jsonb_to_recordset($1) r(n text, id text, kind text, code text, flag text)`;
    await this.#client.query(text, [JSON.stringify(rows)]);
  }

  #fresh(): Row {
    const n = String(this.#first + ++this.#next);
    return { n, id: n, kind: this.#kind(), code: uuidOf(n), flag: this.#random(2) ? "t" : "f" };
  }

  #kind(): string | null {
    return this.#random(3) === 0 ? null : `k${this.#random(9)}`;
  }

  /** New values for some columns, as SQL and for the model. */
  #change(): Record<string, { sql: string; of: (old: Row) => string | null }> {
    // Whatever row it is added to: the remainder tells rows apart.
    const step = 1_000_000_000 * ++this.#steps;
    const kind = this.#kind();
    const flip = (old: Row): string => (old["flag"] === "t" ? "f" : "t");
    const all = {
      id: { sql: `id + ${step}`, of: (old: Row) => String(Number(old["id"]) + step) },
      kind: { sql: kind === null ? "null" : `'${kind}'`, of: () => kind },
      flag: { sql: "not flag", of: flip },
      pad: { sql: "'p'", of: () => "p" },
      code: {
        sql: `('00000000-0000-4000-8000-' || lpad(to_hex(n + ${step}::bigint), 12, '0'))::uuid`,
        of: (old: Row) => uuidOf(String(Number(old["n"]) + step)),
      },
    };
    const names = Object.keys(all) as (keyof typeof all)[];
    const chosen = names.filter(() => this.#random(3) === 0);
    if (chosen.length === 0) chosen.push("pad");
    return Object.fromEntries(chosen.map((name) => [name, all[name]]));
  }

  forget(name: string): void {
    this.#rows.delete(name);
  }

  #of(name: string): Map<string, Row> {
    const rows = this.#rows.get(name) ?? new Map<string, Row>();
    this.#rows.set(name, rows);
    return rows;
  }

  #copy(): Map<string, Map<string, Row>> {
    return new Map([...this.#rows].map(([name, rows]) => [name, new Map(rows)]));
  }
}

const uuidOf = (n: string): string =>
  `00000000-0000-4000-8000-${Number(n).toString(16).padStart(12, "0")}`;

function tagsOf({ name, columns }: ModelTable, one: Row): string[] {
  return Object.keys(columns).flatMap((column) => {
    const value = one[column];
    return value === null || value === undefined ? [] : [row(name, column, value)];
  });
}
