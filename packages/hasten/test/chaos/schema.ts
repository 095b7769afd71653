/** The database under test: rows that carry versions, and the routes that read them. */
import pg from "pg";
import { nowMs } from "./clock.ts";
import type { Question, Write } from "./oracle.ts";

/** Always there; one statement writes one. */
export const STEADY = 40;
/** Come and go; their versions are counted in `ledger`, so that deletion does not start them again. */
export const VOLATILE = 20;
export const TEAMS = 10;
export const BULK_ROWS = 20_000;
/** Those of them that are read. */
export const BULK_READ = 20;

export const SETUP = `
  create table teams (id int primary key, version bigint not null);
  create table accounts (
    id int primary key, team int not null, version bigint not null, note text not null default ''
  );
  -- Lists by team are dropped by their own rows, wherever those come from.
  alter table accounts replica identity full;
  create index accounts_team on accounts (team);
  create table ledger (id int primary key, version bigint not null);
  create table journal (account int primary key, version bigint not null);
  create table bulk (id int primary key, n int not null, filler text not null);
  create function note_in_journal() returns trigger language plpgsql as $$
  begin
    insert into journal values (new.id, new.version)
      on conflict (account) do update set version = excluded.version;
    return null;
  end $$;
  create trigger journal after insert or update on accounts
    for each row execute function note_in_journal();
  insert into teams select id, 1 from generate_series(1, ${TEAMS}) id;
  insert into accounts
    select id, 1 + id % ${TEAMS}, 1, repeat('x', 200) from generate_series(1, ${STEADY}) id;
  insert into ledger select id, 1 from generate_series(${STEADY + 1}, ${STEADY + VOLATILE}) id;
  insert into bulk select id, 1, repeat('x', 100) from generate_series(1, ${BULK_ROWS}) id;
`;

export const steadyIds: readonly number[] = Array.from({ length: STEADY }, (_, at) => at + 1);
export const accountOf = (id: number): string => `a:${id}`;
export const teamOf = (id: number): string => `t:${id}`;
export const bulkOf = (id: number): string => `b:${id}`;

/** Makes the tables, and tells the oracle what is in them. */
export async function prepare(url: string): Promise<Write> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const startedAtMs = nowMs();
  await client.query(SETUP);
  await client.end();
  const teams = Array.from({ length: TEAMS }, (_, at) => teamOf(at + 1));
  const bulk = Array.from({ length: BULK_READ }, (_, at) => bulkOf(at + 1));
  const absent = Array.from({ length: VOLATILE }, (_, at) => accountOf(STEADY + at + 1));
  return {
    process: "seed",
    startedAtMs,
    resolvedAtMs: nowMs(),
    asynchronous: false,
    changes: [
      ...teams.map((row) => ({ row, version: 1, state: "team" })),
      ...steadyIds.map((id) => ({ row: accountOf(id), version: 1, state: `${1 + (id % TEAMS)}` })),
      ...bulk.map((row) => ({ row, version: 1, state: "bulk" })),
      ...absent.map((row) => ({ row, version: 1, state: null })),
    ],
  };
}

/** A route: `sql` takes one number, and gives rows with `row` and `version`, or `sum`. */
export interface ReadRoute {
  readonly sql: string;
  /** Asked before, on a client that is checked out and given back. */
  readonly first?: string;
  /** Its number is one of `1..count`. */
  readonly count: number;
  question(id: number): Question;
  /** Asked through `cache.getOrSet` in the handler. */
  readonly nested?: boolean;
  /** Answered in front of the application. */
  readonly inFront?: boolean;
  /** Expires early, and is served while it is refreshed. Milliseconds. */
  readonly ttlMs?: number;
  /** The handler thinks for so long after its query. Milliseconds. */
  readonly slowMs?: number;
}

const account: ReadRoute = {
  sql: "select 'a:' || id as row, version from accounts where id = $1",
  count: STEADY + VOLATILE,
  question: (id) => ({ kind: "row", row: accountOf(id) }),
};

const list: ReadRoute = {
  sql: "select 'a:' || id as row, version from accounts where team = $1 order by id limit 1000",
  count: TEAMS,
  question: (id) => ({ kind: "list", state: String(id) }),
};

export const ROUTES = {
  points: account,
  "front-points": { ...account, inFront: true },
  "short-points": { ...account, ttlMs: 200 },
  slow: { ...account, count: STEADY, slowMs: 60 },
  journal: {
    sql: "select 'a:' || account as row, version from journal where account = $1",
    count: STEADY,
    question: (id) => ({ kind: "row", row: accountOf(id) }),
  },
  bulk: {
    sql: "select 'b:' || id as row, n as version from bulk where id = $1",
    count: BULK_READ,
    question: (id) => ({ kind: "row", row: bulkOf(id) }),
  },
  lists: list,
  "front-lists": { ...list, inFront: true },
  "nested-lists": { ...list, nested: true },
  joins: {
    sql: `select 'a:' || a.id as row, a.version, t.version as team_version, 't:' || t.id as team_row
      from accounts a join teams t on t.id = a.team where t.id = $1`,
    count: TEAMS,
    question: (id) => ({ kind: "list", state: String(id) }),
  },
  pairs: {
    first: "select 't:' || id as row, version from teams where id = $1",
    sql: "select 'a:' || id as row, version from accounts where team = $1",
    count: TEAMS,
    question: (id) => ({ kind: "list", state: String(id) }),
  },
  totals: {
    sql: `select sum(version) as sum from accounts where id <= ${STEADY} and id >= $1`,
    count: 1,
    question: () => ({ kind: "sum", rows: steadyIds.map(accountOf) }),
  },
} as const satisfies Record<string, ReadRoute>;

export type RouteName = keyof typeof ROUTES;
export const ROUTE_NAMES = Object.keys(ROUTES) as RouteName[];
