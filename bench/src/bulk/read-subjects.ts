/** Ways to read a whole table: each gives the number of rows it has handed to its consumer. */
import { createDatabase, sql, trustedSql } from "hasten/postgres";
import pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import Cursor from "pg-cursor";
import QueryStream from "pg-query-stream";
import postgres from "postgres";

export type ReadSubject =
  | "pg-cursor"
  | "pg-query-stream"
  | "postgres.js cursor"
  | "hasten db.stream, batches()"
  | "hasten db.stream, rows"
  | "hasten db.streamTable"
  | "pg-copy-streams"
  | "hasten db.copyOut";

export interface Reading {
  readonly url: string;
  readonly table: string;
  /** Called now and then, to look at the memory. */
  readonly look: () => void;
}

/** Rows of one read, the same for all. */
const ROWS_PER_READ = 1_000;
/** Touches every row, so that no way gets around making them. */
let touched = 0;
/** What it came to: not left out by an optimiser. */
export const touchedSoFar = (): number => touched;
const touch = (row: unknown): void => {
  touched += (row as { c0: number }).c0;
};

export const readSubjects: Readonly<
  Record<ReadSubject, (reading: Reading) => Promise<() => Promise<number>>>
> = {
  "pg-cursor": async ({ url, table, look }) => {
    const client = await connected(url);
    return async () => {
      const cursor = client.query(new Cursor(`select * from ${table}`));
      let count = 0;
      for (let rows = await cursor.read(ROWS_PER_READ); rows.length > 0; ) {
        for (const row of rows) touch(row);
        count += rows.length;
        look();
        rows = await cursor.read(ROWS_PER_READ);
      }
      return count;
    };
  },
  "pg-query-stream": async ({ url, table, look }) => {
    const client = await connected(url);
    return () => {
      const text = `select * from ${table}`;
      const stream = new QueryStream(text, [], { batchSize: ROWS_PER_READ });
      return counted(client.query(stream) as AsyncIterable<unknown>, look);
    };
  },
  "postgres.js cursor": async ({ url, table, look }) => {
    const client = postgres(url, { max: 1 });
    return async () => {
      let count = 0;
      for await (const rows of client`select * from ${client(table)}`.cursor(ROWS_PER_READ)) {
        for (const row of rows) touch(row);
        count += rows.length;
        look();
      }
      return count;
    };
  },
  "hasten db.stream, batches()": async ({ url, table, look }) => {
    const db = createDatabase({ url, pool: { min: 1, max: 1 } });
    return async () => {
      let count = 0;
      for await (const rows of db.stream(trustedSql(`select * from ${table}`)).batches()) {
        for (const row of rows) touch(row);
        count += rows.length;
        look();
      }
      return count;
    };
  },
  "hasten db.stream, rows": async ({ url, table, look }) => {
    const db = createDatabase({ url, pool: { min: 1, max: 1 } });
    return () => counted(db.stream(sql`select * from ${trustedSql(table)}`), look);
  },
  "hasten db.streamTable": async ({ url, table, look }) => {
    const db = createDatabase({ url, pool: { min: 1, max: 1 } });
    return () => counted(db.streamTable(table), look);
  },
  "pg-copy-streams": async ({ url, table, look }) => {
    const client = await connected(url);
    return async () => {
      const stream = client.query(copyTo(`copy ${table} to stdout`));
      await bytesOf(stream, look);
      return stream.rowCount;
    };
  },
  "hasten db.copyOut": async ({ url, table, look }) => {
    const db = createDatabase({ url, pool: { min: 1, max: 1 } });
    return async () => {
      const stream = db.copyOut(table);
      await bytesOf(stream, look);
      return stream.rowCount!;
    };
  },
};

async function connected(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}

async function counted(rows: AsyncIterable<unknown>, look: () => void): Promise<number> {
  let count = 0;
  for await (const row of rows) {
    touch(row);
    count += 1;
    if (count % ROWS_PER_READ === 0) look();
  }
  return count;
}

async function bytesOf(stream: AsyncIterable<Buffer>, look: () => void): Promise<void> {
  for await (const chunk of stream) {
    touched += chunk.length;
    look();
  }
}
