import type { Knex } from "knex";

interface Order {
  id: number;
  customer_id: number;
}

/** GET /orders */
export async function ordersWithCustomers(knex: Knex): Promise<object[]> {
  const orders = await knex<Order>("orders").select("id", "customer_id").limit(10);
  const shown: object[] = [];
  for (const order of orders) {
    const customer: unknown = await knex("users").where({ id: order.customer_id }).first("name");
    shown.push({ ...order, customer });
  }
  return shown;
}

export async function ordersJoined(knex: Knex): Promise<object[]> {
  return knex("orders")
    .join("users", "users.id", "orders.customer_id")
    .select("orders.id", "users.name")
    .limit(10);
}

export async function ordersWhereIn(knex: Knex): Promise<object[]> {
  const orders = await knex<Order>("orders").select("id", "customer_id").limit(10);
  return knex("users").whereIn(
    "id",
    orders.map(({ customer_id }) => customer_id),
  );
}

const stockOf = async (knex: Knex, id: number): Promise<number> => {
  const row = await knex("products").where("id", id).first<{ stock: number }>("stock");
  return row.stock;
};

/** GET /availability */
export async function availability(knex: Knex, ids: readonly number[]): Promise<boolean[]> {
  return await Promise.all(ids.map(async (id) => (await stockOf(knex, id)) > 0));
}

/** GET /availability, for each by knex.raw */
export async function sold(knex: Knex, ids: readonly number[]): Promise<number> {
  let pieces = 0;
  for (const id of ids) {
    const { rows } = (await knex.raw(
      "select coalesce(sum(quantity), 0)::int as n from order_lines where product_id = ?",
      [id],
    )) as { rows: { n: number }[] };
    pieces += rows[0]!.n;
  }
  return pieces;
}

/** GET /teams: the names of the members of each, in a transaction */
export async function rosters(knex: Knex): Promise<object[]> {
  return await knex.transaction(async (trx) => {
    const teams = await trx<{ id: number; name: string }>("teams").orderBy("id").limit(7);
    const result: object[] = [];
    for (const team of teams) {
      const members = await trx("users").where("team_id", team.id).pluck("name");
      result.push({ ...team, members: members as string[] });
    }
    return result;
  });
}

/** POST /transfer: from one shelf to another, both locked. */
export async function transfer(knex: Knex, from: number, to: number): Promise<void> {
  await knex.transaction(async (trx) => {
    const first = await trx("products").where({ id: from }).forUpdate().first("stock");
    const second = await trx("products").where({ id: to }).forUpdate().first("stock");
    const [a, b] = [first as { stock: number }, second as { stock: number }];
    await trx("products")
      .where({ id: from })
      .update({ stock: a.stock - 1 });
    await trx("products")
      .where({ id: to })
      .update({ stock: b.stock + 1 });
  });
}

/** POST /orders */
export async function order(knex: Knex, basket: readonly number[]): Promise<number> {
  return await knex.transaction(async (trx) => {
    const [made] = await trx("orders")
      .insert({ customer_id: 5, status: "open", total: 0 })
      .returning<{ id: number }[]>("id");
    for (const product_id of basket) {
      const left = await trx("products")
        .where({ id: product_id })
        .where("stock", ">", 0)
        .decrement("stock", 1);
      if (left === 0) throw new Error("out of stock");
      await trx("order_lines").insert({ order_id: made!.id, product_id, quantity: 1 });
    }
    return made!.id;
  });
}
