/** Plans in which there is nothing to find. */
import { type Database, prepare, type RecordedPlan, recordPlan } from "./run-scenario.ts";

const SETUP: readonly string[] = [
  `create table customer (id int primary key, email text not null unique, country text not null,
     created_at timestamptz not null)`,
  `insert into customer select i, 'customer' || i || '@example.org', 'c' || i % 20,
     timestamptz '2026-01-01' + i * interval '1 minute' from generate_series(1, 5000) i`,
  `create table orders (id int primary key, customer_id int not null references customer,
     status text not null, total numeric not null, placed_at timestamptz not null)`,
  `insert into orders select i, 1 + i % 5000, (array['open', 'paid', 'sent'])[1 + i % 3], i % 1000,
     timestamptz '2026-01-01' + i * interval '1 minute' from generate_series(1, 50000) i`,
  "create index orders_customer on orders (customer_id, placed_at desc)",
  "create index orders_placed on orders (placed_at)",
  "create table setting (name text primary key, value text not null)",
  "insert into setting select 'setting' || i, 'value' || i from generate_series(1, 20) i",
  "vacuum analyze customer",
  "vacuum analyze orders",
  "vacuum analyze setting",
];

export const HEALTHY: readonly string[] = [
  "select * from customer where id = 4711",
  "select id from customer where email = 'customer17@example.org'",
  "select * from setting",
  "select value from setting where name = 'setting7'",
  "select * from orders where id = 17",
  "select * from orders where id in (1, 2, 3, 4, 5)",
  "select id, total from orders where customer_id = 77 order by placed_at desc limit 5",
  "select o.id, c.email from orders o join customer c on c.id = o.customer_id where o.id = 99",
  `select o.id, o.total, c.email from customer c join orders o on o.customer_id = c.id
     where c.email = 'customer99@example.org'`,
  "select sum(total) from orders where customer_id = 12",
  `select id, total from orders where placed_at >= '2026-01-05' and placed_at < '2026-01-06'
     order by placed_at`,
  "select placed_at from orders where placed_at >= '2026-02-01' order by placed_at limit 20",
  "select country, count(*) from customer group by country order by country",
  "select customer_id, sum(total) from orders group by customer_id limit 10",
  "select exists (select from orders where customer_id = 500)",
  `select c.id from customer c where c.id < 50
     and exists (select from orders o where o.customer_id = c.id)`,
  `with recent as (select id, total from orders where placed_at > '2026-02-04' limit 50)
     select avg(total) from recent`,
  "select 1",
  "select * from generate_series(1, 10) i order by i desc",
  `select c.email, last.total from customer c cross join lateral
     (select total from orders o where o.customer_id = c.id order by placed_at desc limit 1) last
     where c.id between 10 and 19`,
  "update orders set status = 'paid' where id = 31",
  "insert into setting values ('setting21', 'on')",
  "delete from setting where name = 'setting3'",
  "select max(placed_at) from orders",
];

export async function recordHealthy(database: Database): Promise<readonly RecordedPlan[]> {
  await prepare(database, SETUP);
  const plans: RecordedPlan[] = [];
  for (const query of HEALTHY) plans.push(await recordPlan(database, "negative", { query }));
  return plans;
}
