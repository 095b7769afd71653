import { sql } from "kysely";
import { jsonArrayFrom } from "kysely/helpers/postgres";
import type { Db } from "./database.ts";

export class ReportService {
  private readonly db: Db;
  constructor(db: Db) {
    this.db = db;
  }

  /** GET /customers: the last order of each */
  async lastOrders(): Promise<object[]> {
    const customers = await this.db
      .selectFrom("users")
      .select(["id", "name"])
      .orderBy("id")
      .limit(11)
      .execute();
    const result: object[] = [];
    for (const customer of customers) {
      const order = await this.db
        .selectFrom("orders")
        .select(["id", "total"])
        .where("customer_id", "=", customer.id)
        .orderBy("id", "desc")
        .limit(1)
        .executeTakeFirst();
      result.push({ ...customer, order });
    }
    return result;
  }

  async lastOrdersDistinct(): Promise<object[]> {
    return this.db
      .selectFrom("orders")
      .innerJoin("users", "users.id", "orders.customer_id")
      .distinctOn("orders.customer_id")
      .select(["users.name", "orders.id", "orders.total"])
      .orderBy("orders.customer_id")
      .orderBy("orders.id", "desc")
      .limit(11)
      .execute();
  }

  async withLines(): Promise<object[]> {
    return this.db
      .selectFrom("orders")
      .select((eb) => [
        "orders.id",
        jsonArrayFrom(
          eb
            .selectFrom("order_lines")
            .select(["order_lines.product_id", "order_lines.quantity"])
            .whereRef("order_lines.order_id", "=", "orders.id"),
        ).as("lines"),
      ])
      .limit(12)
      .execute();
  }

  /** Figures that have nothing to do with each other, one after the other */
  async figures(): Promise<object> {
    const orders = await this.db
      .selectFrom("orders")
      .select((eb) => eb.fn.countAll().as("n"))
      .executeTakeFirstOrThrow();
    const stock = await this.db
      .selectFrom("products")
      .select((eb) => eb.fn.sum("stock").as("n"))
      .executeTakeFirstOrThrow();
    const members = await this.db
      .selectFrom("users")
      .select((eb) => eb.fn.countAll().as("n"))
      .where("role", "=", "member")
      .executeTakeFirstOrThrow();
    const waiting = await this.db
      .selectFrom("jobs")
      .select((eb) => eb.fn.countAll().as("n"))
      .executeTakeFirstOrThrow();
    return { orders, stock, members, waiting };
  }

  async figuresAtOnce(): Promise<object[]> {
    const { db } = this;
    return Promise.all([
      db
        .selectFrom("orders")
        .select((eb) => eb.fn.countAll().as("n"))
        .execute(),
      db
        .selectFrom("products")
        .select((eb) => eb.fn.sum("stock").as("n"))
        .execute(),
      db
        .selectFrom("jobs")
        .select((eb) => eb.fn.countAll().as("n"))
        .execute(),
    ]);
  }

  /** GET /library: only titles are shown */
  async library(): Promise<string[]> {
    const documents = await this.db
      .selectFrom("documents")
      .selectAll()
      .orderBy("title")
      .limit(90)
      .execute();
    return documents.map(({ title }) => title);
  }

  /** All comments are read to find out how long they are */
  async letters(): Promise<number> {
    const { rows } = await sql<{ id: number }>`
      select e.id, c.text from events e join comments c on c.id = e.id % 240 + 1
    `.execute(this.db);
    return rows.length;
  }
}
