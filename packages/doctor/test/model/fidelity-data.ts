import type { Candidate, CandidateKey } from "../../src/candidates/types.ts";
import { columnsCandidate } from "../../src/testing/candidate.ts";

/** A shop: 720,000 rows, joins, three range partitions, inheritance, documents. */
export const SHOP = `
create extension pg_trgm;
select setseed(0.5);
create table customers (id int primary key, email text not null, country text not null,
  created_at timestamptz not null, vip boolean not null, manager_id int references customers (id));
insert into customers select n, 'user' || n || '@example.com', (array['de','fr','us','jp','br'])[1 + n % 5],
  timestamptz '2024-01-01' + n * interval '20 minutes', n % 50 = 0, nullif(n / 100, 0)
  from generate_series(1, 30000) n;
create table orders (id bigint not null, customer_id int not null references customers (id),
  status text not null, total numeric(10,2) not null, created_at timestamptz not null, note text,
  primary key (id, created_at)) partition by range (created_at);
create table orders_2024 partition of orders for values from ('2024-01-01') to ('2025-01-01');
create table orders_2025 partition of orders for values from ('2025-01-01') to ('2026-01-01');
create table orders_2026 partition of orders for values from ('2026-01-01') to ('2027-01-01');
insert into orders select n, 1 + (random() * 29999)::int,
  case when random() < 0.02 then 'open' when random() < 0.1 then 'sent' else 'done' end,
  (random() * 1000)::numeric(10,2), timestamptz '2024-01-01' + n * interval '10 minutes',
  case when n % 20 = 0 then 'note ' || n end
  from generate_series(1, 150000) n;
create table items (id bigint primary key, order_id bigint not null, product_id int not null,
  quantity int not null, price numeric not null, shipped_at timestamptz);
insert into items select n, 1 + n / 2, (random() * random() * 2000)::int, 1 + n % 7, n % 90,
  case when random() < 0.9 then timestamptz '2024-01-01' + n * interval '5 minutes' end
  from generate_series(1, 200000) n;
create table documents (id int primary key, title text not null, data jsonb not null, tags text[] not null,
  body text not null, search tsvector not null, author_id int not null, updated_at timestamp not null);
insert into documents select n, 'Title ' || n % 5000,
  jsonb_build_object('kind', 'k' || n % 300, 'level', n % 10, 'flag', n % 2 = 0),
  array['t' || n % 40, 't' || n % 37, 'u' || n % 1000],
  md5(n::text) || ' ' || md5((n * 7)::text) || ' ' || md5((n % 100)::text),
  to_tsvector('english', 'word' || n % 700 || ' text' || n % 90 || ' common'),
  n % 2500, timestamp '2024-01-01' + n * interval '1 minute'
  from generate_series(1, 100000) n;
create statistics documents_kind on (data ->> 'kind'), (data ->> 'level') from documents;
create index documents_lower on documents (lower(title));
create table events (id bigint, at timestamptz not null, sensor int not null, value float8 not null);
insert into events select n, timestamptz '2025-01-01' + n * interval '30 seconds', n % 64, random()
  from generate_series(1, 200000) n;
create table beings (id int, name text not null, born date not null);
create table dogs (barks int) inherits (beings);
create table cats (lives int) inherits (beings);
insert into beings select n, 'b' || n, date '2020-01-01' + n % 1000 from generate_series(1, 5000) n;
insert into dogs select n, 'd' || n, date '2020-01-01' + n % 900, n % 10 from generate_series(1, 20000) n;
insert into cats select n, 'c' || n, date '2020-01-01' + n % 800, 9 from generate_series(1, 15000) n;
`;

export const QUERIES: readonly string[] = [
  "select * from orders where customer_id = 4711",
  "select id, total from orders where customer_id = $1 order by created_at desc limit 10",
  "select * from orders where status = 'open' and created_at > '2025-06-01'",
  "select count(*) from orders where status = 'open'",
  "select customer_id, sum(total) from orders where created_at >= '2026-01-01' group by customer_id",
  "select * from orders where created_at >= '2025-03-01' and created_at < '2025-03-08'",
  "select * from orders order by created_at desc limit 20",
  "select * from customers c join orders o on o.customer_id = c.id where c.email = 'user77@example.com'",
  "select c.country, count(*) from customers c join orders o on o.customer_id = c.id where o.status = 'sent' group by 1",
  "select o.id, i.product_id from orders o join items i on i.order_id = o.id where o.customer_id = 99",
  "select i.product_id, sum(i.quantity) from items i join orders o on o.id = i.order_id join customers c on c.id = o.customer_id where c.vip and o.created_at > '2026-06-01' group by 1",
  "select * from items where order_id = any ('{1,500,70000}')",
  "select * from items where product_id = 1990 order by id desc limit 5",
  "select order_id from items where shipped_at is null and product_id = 5",
  "select product_id, count(*) from items where product_id < 20 group by product_id",
  "select quantity from items where order_id between 1000 and 1400",
  'select id from documents where data @> \'{"kind": "k7"}\'',
  "select id from documents where data ->> 'kind' = 'k7'",
  "select id from documents where tags @> '{u7}'",
  "select id from documents where search @@ to_tsquery('english', 'word7 & text7')",
  "select id from documents where body ilike '%abcdef%'",
  "select id, title from documents where lower(title) = 'title 77' order by updated_at desc limit 3",
  "select author_id, max(updated_at) from documents group by author_id",
  "select updated_at from documents where author_id = 17",
  "select avg(value) from events where at between '2025-02-01' and '2025-02-02'",
  "select * from events where sensor = 5 and value > 0.999",
  "select * from beings where name = 'd77'",
  "select count(*) from beings where born = '2021-05-05'",
  "select d.name from dogs d join cats c on c.born = d.born where d.name = 'd5'",
  "select * from customers where country = 'de' and created_at > '2025-02-01' order by created_at limit 10",
  "select m.email, count(*) from customers c join customers m on m.id = c.manager_id group by 1",
  "select * from customers c where exists (select from orders o where o.customer_id = c.id and o.status = 'open' and o.total > 990)",
  "update items set quantity = $1 where product_id = $2",
  "delete from orders where created_at < '2024-01-05'",
];

export interface Kind {
  readonly kind: string;
  readonly table: string;
  readonly candidate: (oid: number) => Candidate;
  /** Bound on the relative error of the cost with the index. */
  readonly bound: number;
}

const expression = (sql: string): CandidateKey => ({
  column: undefined,
  sql,
  descending: false,
  nullsFirst: false,
  opclass: undefined,
});
const operators = (column: string, opclass: string | undefined): CandidateKey => ({
  column,
  sql: `"${column}"`,
  descending: false,
  nullsFirst: false,
  opclass,
});
const plain = (kind: string, table: string, keys: readonly string[], more = {}): Kind => ({
  kind,
  table,
  candidate: (oid) => columnsCandidate(oid, keys, more),
  bound: 0.02,
});
const keyed = (kind: string, table: string, keys: readonly CandidateKey[], more = {}): Kind => ({
  kind,
  table,
  candidate: (oid) => ({ ...columnsCandidate(oid, []), id: kind, keys, ...more }),
  bound: 0.02,
});
const gin = (kind: string, table: string, column: string, opclass?: string): Kind => ({
  ...keyed(kind, table, [operators(column, opclass)], { method: "gin" }),
  bound: 0.15,
});

export const KINDS: readonly Kind[] = [
  plain("single", "items", ["order_id"]),
  plain("single on a skewed column", "items", ["product_id"]),
  plain("partitioned", "orders", ["customer_id"]),
  plain("partitioned, multi with direction", "orders", ["customer_id", "created_at desc"]),
  plain("partitioned, order alone", "orders", ["created_at desc"]),
  plain("multi", "customers", ["country", "created_at"]),
  plain("text", "customers", ["email"]),
  plain("multi, limit", "items", ["product_id", "id desc"]),
  plain("covering", "documents", ["author_id"], { include: ["updated_at"] }),
  plain("covering, range", "items", ["order_id"], { include: ["quantity"] }),
  plain("partial", "items", ["product_id"], { predicate: '"shipped_at" is null' }),
  plain("partial, partitioned", "orders", ["created_at"], { predicate: "\"status\" = 'open'" }),
  keyed("expression, extended statistics", "documents", [expression("(data ->> 'kind')")]),
  keyed("expression, an index's statistics", "documents", [
    expression("(lower(title))"),
    { ...operators("updated_at", undefined), descending: true, nullsFirst: true },
  ]),
  plain("inherited child", "dogs", ["name"]),
  plain("inheritance parent", "beings", ["born"]),
  gin("GIN jsonb_path_ops", "documents", "data", "jsonb_path_ops"),
  gin("GIN jsonb_ops", "documents", "data"),
  gin("GIN array", "documents", "tags"),
  gin("GIN tsvector", "documents", "search"),
  gin("GIN trigram", "documents", "body", "gin_trgm_ops"),
  { ...plain("BRIN", "events", ["at"], { method: "brin" }), bound: 0.15 },
];
