/** The server of the bench: flushes commits to disk as a production server does. */
import { type PostgresServer, startPostgres } from "hasten-tools/postgres";
import pg from "pg";

export const LOAD_ROWS = 20_000;
export const PROBES = 64;

const FLAGS = [
  "wal_level=logical",
  "max_wal_senders=20",
  "max_replication_slots=20",
  "fsync=on",
  "full_page_writes=on",
  "synchronous_commit=on",
  "shared_buffers=512MB",
  "max_wal_size=4GB",
  "checkpoint_timeout=30min",
  "autovacuum=off",
].flatMap((setting) => ["-c", setting]);

/** `probe`: one row for each measured write. `load`: what others write meanwhile. */
const SETUP = `
  create table probe (id int primary key, n int not null);
  create table load (id int primary key, n int not null, filler text not null) with (fillfactor = 50);
  create table big (id int primary key, n int not null) with (fillfactor = 50);
  create table items (
    id int primary key, category int not null, price int not null, name text not null
  );
  create index items_category on items (category, id desc);
  create table categories (id int primary key, label text not null);
  insert into probe select id, 0 from generate_series(1, ${PROBES}) id;
  insert into load select id, 0, repeat('x', 60) from generate_series(1, ${LOAD_ROWS}) id;
`;

export async function startServer(): Promise<PostgresServer> {
  const server = await startPostgres({ flags: FLAGS });
  const client = await clientOf(server.url);
  await client.query(SETUP);
  await client.query("vacuum analyze");
  await client.end();
  return server;
}

export async function clientOf(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // Where a run fails its server goes first, and the failure is what should be told.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
