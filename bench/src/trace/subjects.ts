/** What is compared: the same app and driver each time. */
export const SUBJECTS = ["no trace", "a trace, nothing recorded", "recorded"] as const;
export type Subject = (typeof SUBJECTS)[number];

export const SCHEMA = `
  create table customers as select n as id, 'customer ' || n as name from generate_series(1, 1000) as n;
  alter table customers add primary key (id);
  create table orders as select n as id, 1 + n % 1000 as customer, n * 3 as total from generate_series(1, 1000) as n;
  alter table orders add primary key (id);
  create table lines as select n as id, 1 + n % 1000 as order_id, 'item ' || n as item from generate_series(1, 5000) as n;
  alter table lines add primary key (id);
  create index on lines (order_id);
  analyze`;
