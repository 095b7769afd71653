import { type Generated, Kysely, PostgresDialect } from "kysely";
import type pg from "pg";

export interface Tables {
  users: { id: number; name: string; email: string; role: string; team_id: number };
  teams: { id: number; name: string };
  categories: { id: number; parent_id: number | null; name: string };
  products: { id: number; name: string; price: string; stock: number; category_id: number };
  orders: { id: Generated<number>; customer_id: number; status: string; total: string };
  order_lines: { id: Generated<number>; order_id: number; product_id: number; quantity: number };
  documents: { id: number; owner_id: number; title: string; content: string };
  settings: { key: string; value: string };
  jobs: { id: Generated<number>; status: string };
  comments: { id: number; post_id: number; author_id: number; text: string };
  posts: { id: number; author_id: number; title: string };
}
export type Db = Kysely<Tables>;

export const openKysely = (pool: pg.Pool): Db =>
  new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
