/** A small shop with a workload that lacks an index, for whole runs of the doctor. */
import { randomUUID } from "node:crypto";
import pg from "pg";

export interface Shop {
  /** As the owner of the tables, who is a member of pg_monitor too. */
  readonly ownerUrl: string;
  /** As a role that may see statistics and no row. */
  readonly monitorUrl: string;
  /** Runs the workload once more. */
  readonly work: () => Promise<void>;
  readonly drop: () => Promise<void>;
}

/** A value that is in the rows, in the statistics and in statements, and must be in no report. */
export const CANARY = "canary-7391@example.org";

const SCHEMA = `
  create extension pg_stat_statements;
  create table customers (id int primary key, email text not null);
  create table orders (id int primary key, customer_id int not null references customers,
    status text not null, total numeric not null, created_at timestamptz not null);
  insert into customers select i, case when i % 3 = 0 then '${CANARY}' else 'c' || i || '@x.org' end
    from generate_series(1, 2000) i;
  insert into orders select i, 1 + i % 2000, (array['open', 'paid', 'sent'])[1 + i % 3], i % 500,
    timestamptz '2026-01-01' + i * interval '1 minute' from generate_series(1, 100000) i;`;

/** What filled the tables is not the workload. */
const BEGIN = "select pg_stat_reset(), pg_stat_statements_reset(); analyze";

export const QUERY =
  "select id, total from orders where customer_id = $1 order by created_at desc limit 20";
const CALLS = 25;

export async function openShop(adminUrl: string): Promise<Shop> {
  const tag = randomUUID().slice(0, 8);
  const [owner, monitor] = [`shop_owner_${tag}`, `shop_monitor_${tag}`];
  const admin = await connected(adminUrl);
  await admin.query(`
    create role ${owner} login password 'p' in role pg_monitor;
    create role ${monitor} login password 'p' in role pg_monitor;
    ${SCHEMA}
    alter table customers owner to ${owner};
    alter table orders owner to ${owner}`);
  await admin.query(BEGIN);
  const as = (role: string): string => {
    const url = new URL(adminUrl);
    url.username = role;
    url.password = "p";
    return url.href;
  };
  const work = async (): Promise<void> => {
    const client = await connected(as(owner));
    for (let i = 0; i < CALLS; i++) await client.query(QUERY, [i]);
    await client.query("select count(*) from customers where email = $1", [CANARY]);
    await client.query(`select id from customers where email = '${CANARY}'`);
    await client.end();
  };
  await work();
  return {
    ownerUrl: as(owner),
    monitorUrl: as(monitor),
    work,
    drop: async () => {
      await admin.query(`drop owned by ${owner}, ${monitor}; drop role ${owner}, ${monitor}`);
      await admin.end();
    },
  };
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}
