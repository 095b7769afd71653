import type { Db } from "../kysely/database.ts";

interface Line {
  readonly order_id: number;
  readonly product_id: number;
}

/** GET /orders/open: the lines of each, gathered by reduce */
export async function openOrders(db: Db): Promise<Record<number, Line[]>> {
  const orders = await db
    .selectFrom("orders")
    .select("id")
    .where("status", "=", "open")
    .orderBy("id")
    .limit(8)
    .execute();
  return orders.reduce<Promise<Record<number, Line[]>>>(async (soFar, { id }) => {
    const gathered = await soFar;
    gathered[id] = await db
      .selectFrom("order_lines")
      .select(["order_id", "product_id"])
      .where("order_id", "=", id)
      .execute();
    return gathered;
  }, Promise.resolve({}));
}

/** GET /lines.json: all that were ever sold, with their comments beside them */
export async function everything(db: Db): Promise<number> {
  const rows = await db
    .selectFrom("order_lines")
    .innerJoin("products", "products.id", "order_lines.product_id")
    .innerJoin("comments", (join) => join.on("comments.id", "<", 5))
    .select(["order_lines.id", "products.name", "comments.text"])
    .execute();
  return rows.length;
}

/** GET /ranking */
export async function ranking(db: Db): Promise<object[]> {
  return await db
    .with("sold", (query) =>
      query
        .selectFrom("order_lines")
        .select((eb) => ["product_id", eb.fn.sum("quantity").as("pieces")])
        .groupBy("product_id"),
    )
    .selectFrom("sold")
    .innerJoin("products", "products.id", "sold.product_id")
    .select(["products.name", "sold.pieces"])
    .orderBy("sold.pieces", "desc")
    .limit(10)
    .execute();
}

/** GET /me/orders: who, of which team, what that team ordered last */
export async function teamsLastOrder(db: Db, email: string): Promise<object | undefined> {
  const user = await db
    .selectFrom("users")
    .select(["id", "team_id"])
    .where("email", "=", email)
    .executeTakeFirst();
  if (user === undefined) return undefined;
  const members = await db
    .selectFrom("users")
    .select("id")
    .where("team_id", "=", user.team_id)
    .execute();
  const last = await db
    .selectFrom("orders")
    .select(["id", "customer_id"])
    .where(
      "customer_id",
      "in",
      members.map(({ id }) => id),
    )
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirstOrThrow();
  const lines = await db
    .selectFrom("order_lines")
    .select(["product_id", "quantity"])
    .where("order_id", "=", last.id)
    .execute();
  return { ...last, lines };
}
