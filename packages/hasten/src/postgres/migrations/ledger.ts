import type { Dedicated } from "../dedicated.ts";
import { ident, type Sql, sql } from "../sql.ts";
import type { Migration } from "./files.ts";

/** A row of the table of applied migrations. */
export interface Recorded {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  /** False while a file without transaction is under way. */
  readonly finished: boolean;
  /** Statements done of an unfinished file, and a checksum of their texts. */
  readonly done: number;
  readonly doneChecksum: string | null;
}

export interface Ledger {
  /** The table's quoted name: also names the lock. */
  readonly name: string;
  /** Creates the table when it is missing and reads it. */
  open(): Promise<readonly Recorded[]>;
  find(version: number): Promise<Recorded | undefined>;
  /** Records a file as finished; within the file's own transaction where it has one. */
  finish(file: Migration, durationMs: number): Promise<void>;
  /** Records how far a file without transaction has come. */
  progress(file: Migration, done: number, doneChecksum: string): Promise<void>;
}

/** With its schema: a file may leave another search_path behind. */
async function whereItIs(session: Dedicated, table: Sql): Promise<Sql | undefined> {
  const { rows } = await session.run<{ schema: string; name: string }>(sql`
    select n.nspname as schema, c.relname as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = to_regclass(${table.text})`);
  return rows[0] && ident(rows[0].schema, rows[0].name);
}

/** The table of applied migrations, through one session. */
export function createLedger(session: Dedicated, given: string | readonly string[]): Ledger {
  const asked = typeof given === "string" ? ident(given) : ident(...given);
  let table = asked;
  const columns = sql`version, name, checksum, finished, done, done_checksum as "doneChecksum"`;
  const read = async (where: Sql): Promise<readonly Recorded[]> =>
    (await session.run<Recorded>(sql`select ${columns} from ${table} ${where} order by version`))
      .rows;
  return {
    name: asked.text,
    async open() {
      table = (await whereItIs(session, asked)) ?? asked;
      if (table !== asked) return read(sql.empty);
      await session.run(sql`create table if not exists ${asked} (
        version integer primary key,
        name text not null,
        checksum text not null,
        finished boolean not null,
        done integer not null default 0,
        done_checksum text,
        applied_at timestamptz not null default now(),
        duration_ms double precision
      )`);
      table = (await whereItIs(session, asked)) ?? asked;
      return read(sql.empty);
    },
    find: async (version) => (await read(sql`where version = ${version}`))[0],
    async finish({ version, name, checksum, statements }, durationMs) {
      await session.run(sql`
        insert into ${table} (version, name, checksum, finished, done, duration_ms)
        values (${version}, ${name}, ${checksum}, true, ${statements.length}, ${durationMs})
        on conflict (version) do update
        set name = excluded.name, checksum = excluded.checksum, finished = true,
            done = excluded.done, done_checksum = null, applied_at = now(),
            duration_ms = excluded.duration_ms`);
    },
    async progress({ version, name, checksum }, done, doneChecksum) {
      await session.run(sql`
        insert into ${table} (version, name, checksum, finished, done, done_checksum)
        values (${version}, ${name}, ${checksum}, false, ${done}, ${doneChecksum})
        on conflict (version) do update
        set name = excluded.name, checksum = excluded.checksum, done = excluded.done,
            done_checksum = excluded.done_checksum`);
    },
  };
}
