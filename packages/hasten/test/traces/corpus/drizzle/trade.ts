import { and, asc, eq, gt, sql, sum } from "drizzle-orm";
import { type Drizzle, events, orderLines, orders, products, rates, settings } from "./tables.ts";

/** GET /invoices: what each order is worth, in a transaction that reads only. */
export async function invoices(db: Drizzle): Promise<unknown[]> {
  return db.transaction(async (tx) => {
    const open = await tx.select({ id: orders.id }).from(orders).limit(8);
    const worth: unknown[] = [];
    for (const order of open) {
      worth.push(
        await tx
          .select({ pieces: sum(orderLines.quantity) })
          .from(orderLines)
          .where(eq(orderLines.orderId, order.id)),
      );
    }
    return worth;
  });
}

async function rateOf(db: Drizzle, currency: string): Promise<number> {
  const [found] = await db
    .select({ rate: rates.rate })
    .from(rates)
    .where(and(eq(rates.currency, currency), eq(rates.day, sql`current_date`)));
  return Number(found?.rate ?? 1);
}

/** GET /prices?currency=USD */
export async function pricesIn(db: Drizzle, currency: string): Promise<number[]> {
  const some = await db.select({ price: products.price }).from(products).limit(10);
  const converted: number[] = [];
  for (const { price } of some) converted.push(Number(price) * (await rateOf(db, currency)));
  return converted;
}

/** GET /prices?currency=USD, the rate asked for once */
export async function pricesInOnce(db: Drizzle, currency: string): Promise<number[]> {
  const rate = await rateOf(db, currency);
  const some = await db.select({ price: products.price }).from(products).limit(10);
  return some.map(({ price }) => Number(price) * rate);
}

/** GET /export */
export async function everyEvent(db: Drizzle): Promise<number> {
  const found = await db.select().from(events);
  return found.filter(({ kind }) => kind === "login").length;
}

/** GET /export, by keys */
export async function eventsInPages(db: Drizzle): Promise<number> {
  let [last, logins] = [0, 0];
  for (;;) {
    const page = await db
      .select()
      .from(events)
      .where(and(eq(events.kind, "login"), gt(events.id, last)))
      .orderBy(asc(events.id))
      .limit(400);
    logins += page.length;
    if (page.length < 400) return logins;
    last = page.at(-1)!.id;
  }
}

/** POST /orders: the order and its lines, all or nothing. */
export async function place(db: Drizzle, basket: readonly number[]): Promise<number> {
  return db.transaction(async (tx) => {
    const [order] = await tx
      .insert(orders)
      .values({ customerId: 2, status: "open", total: "0" })
      .returning({ id: orders.id });
    for (const product of basket) {
      const [taken] = await tx
        .update(products)
        .set({ stock: sql`${products.stock} - 1` })
        .where(eq(products.id, product))
        .returning({ stock: products.stock });
      if (taken!.stock < 0) throw new Error("out of stock");
      await tx.insert(orderLines).values({ orderId: order!.id, productId: product, quantity: 1 });
    }
    return order!.id;
  });
}

/** POST /settings/:key/increase, three times: each time it is read, changed and written. */
export async function bump(db: Drizzle, key: string): Promise<string> {
  let value = "";
  for (let turn = 0; turn < 3; turn++) {
    const [before] = await db.select().from(settings).where(eq(settings.key, key));
    value = `${before!.value}!`;
    await db.update(settings).set({ value }).where(eq(settings.key, key));
  }
  return value;
}

/** GET /start: what the first page shows. */
export async function startPage(db: Drizzle): Promise<object> {
  const newest = await db.select().from(products).orderBy(asc(products.id)).limit(5);
  const lastOrders = await db.select().from(orders).orderBy(asc(orders.id)).limit(5);
  const logins = await db.select().from(events).where(eq(events.kind, "login")).limit(5);
  const theme = await db.select().from(settings).where(eq(settings.key, "theme"));
  return { newest, lastOrders, logins, theme };
}

/** GET /start, side by side */
export async function startPageAtOnce(db: Drizzle): Promise<object[][]> {
  return Promise.all([
    db.select().from(products).orderBy(asc(products.id)).limit(5),
    db.select().from(orders).orderBy(asc(orders.id)).limit(5),
    db.select().from(events).where(eq(events.kind, "login")).limit(5),
    db.select().from(settings).where(eq(settings.key, "theme")),
  ]);
}
