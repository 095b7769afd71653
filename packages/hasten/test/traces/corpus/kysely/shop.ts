import { setTimeout as after } from "node:timers/promises";
import type { Db } from "./database.ts";

export async function productById(db: Db, id: number) {
  return await db
    .selectFrom("products")
    .select(["id", "name", "price"])
    .where("id", "=", id)
    .executeTakeFirst();
}

/** GET /cart */
export async function cart(db: Db, ids: readonly number[]): Promise<number> {
  let total = 0;
  for (const id of ids) {
    const product = await productById(db, id);
    if (product !== undefined) total += Number(product.price);
  }
  return total;
}

export async function cartAtOnce(db: Db, ids: readonly number[]): Promise<number> {
  const products = await db
    .selectFrom("products")
    .select(["id", "price"])
    .where("id", "in", ids)
    .execute();
  return products.reduce((sum, { price }) => sum + Number(price), 0);
}

/** Names of the categories above a product, as far as the root: a chain. */
export async function breadcrumb(db: Db, category: number): Promise<string[]> {
  const found = await db
    .selectFrom("categories")
    .select(["name", "parent_id"])
    .where("id", "=", category)
    .executeTakeFirstOrThrow();
  const above = found.parent_id === null ? [] : await breadcrumb(db, found.parent_id);
  return [...above, found.name];
}

/** GET /categories: products of each category */
export async function shelves(db: Db): Promise<object[]> {
  const categories = await db.selectFrom("categories").select(["id", "name"]).execute();
  const shelf = async (category: { id: number }) => ({
    ...category,
    products: await db
      .selectFrom("products")
      .select(["id", "name"])
      .where("category_id", "=", category.id)
      .execute(),
  });
  return Promise.all(categories.map(shelf));
}

/** A page after the other: generators of ids, looked up where they are used. */
async function* customersOf(db: Db): AsyncGenerator<number> {
  const orders = await db.selectFrom("orders").select("customer_id").limit(9).execute();
  for (const { customer_id } of orders) yield customer_id;
}

/** GET /labels */
export async function labels(db: Db): Promise<string[]> {
  const lines: string[] = [];
  for await (const customer of customersOf(db)) {
    const { name } = await db
      .selectFrom("users")
      .select("name")
      .where("id", "=", customer)
      .executeTakeFirstOrThrow();
    lines.push(name);
  }
  return lines;
}

/** POST /reserve: takes the next job that is free. */
export async function takeJobs(db: Db, many: number): Promise<number> {
  let taken = 0;
  for (let turn = 0; turn < many; turn++) {
    await db.transaction().execute(async (tx) => {
      const job = await tx
        .selectFrom("jobs")
        .select("id")
        .where("status", "=", "waiting")
        .orderBy("id")
        .limit(1)
        .forUpdate()
        .skipLocked()
        .executeTakeFirst();
      if (job === undefined) return;
      await tx.updateTable("jobs").set({ status: "taken" }).where("id", "=", job.id).execute();
      taken += 1;
    });
  }
  return taken;
}

/** POST /restock: each product is read, reckoned with, and written. */
export async function restock(db: Db, ids: readonly number[]): Promise<void> {
  await db.transaction().execute(async (tx) => {
    for (const id of ids) {
      const { stock } = await tx
        .selectFrom("products")
        .select("stock")
        .where("id", "=", id)
        .forUpdate()
        .executeTakeFirstOrThrow();
      await tx
        .updateTable("products")
        .set({ stock: stock + (1_000 % (stock + 1)) })
        .where("id", "=", id)
        .execute();
    }
  });
}

/** POST /users in bulk */
export async function addComments(db: Db, texts: readonly string[]): Promise<void> {
  for (let from = 0; from < texts.length; from += 5) {
    const rows = texts
      .slice(from, from + 5)
      .map((text, place) => ({ id: 10_000 + from + place, post_id: 1, author_id: 1, text }));
    await db.insertInto("comments").values(rows).execute();
  }
}

/** Looks until an order that another service makes is there. */
export async function awaitOrder(db: Db, id: number): Promise<boolean> {
  for (let look = 0; look < 6; look++) {
    const order = await db
      .selectFrom("orders")
      .select("id")
      .where("id", "=", id)
      .executeTakeFirst();
    if (order !== undefined) return true;
    await after(8);
  }
  return false;
}

/** The theme, asked for by each part of a page. */
const theme = async (db: Db): Promise<string> => {
  const { value } = await db
    .selectFrom("settings")
    .select("value")
    .where("key", "=", "theme")
    .executeTakeFirstOrThrow();
  return value;
};
const header = async (db: Db) => `<header class="${await theme(db)}">`;
const body = async (db: Db) => `<main class="${await theme(db)}">`;
const footer = async (db: Db) => `<footer class="${await theme(db)}">`;

export async function page(db: Db): Promise<string> {
  const parts = await Promise.all([header(db), body(db), footer(db)]);
  return parts.join("");
}
