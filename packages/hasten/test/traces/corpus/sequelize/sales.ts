import { Op, QueryTypes, type Sequelize } from "sequelize";
import { Order, OrderLine, Product, Setting, Team, User } from "./models.ts";

/** GET /orders/values: a sum for each by a statement of one's own */
export async function orderValues(sequelize: Sequelize): Promise<object[]> {
  const orders = await Order.findAll({ attributes: ["id"], limit: 9, order: ["id"] });
  const values: object[] = [];
  for (const order of orders) {
    const [value] = await sequelize.query<{ value: string }>(
      "select sum(quantity) as value from order_lines where order_id = :order",
      { replacements: { order: order.id }, type: QueryTypes.SELECT },
    );
    values.push({ id: order.id, ...value });
  }
  return values;
}

export async function orderValuesGrouped(sequelize: Sequelize): Promise<object[]> {
  return await sequelize.query<{ value: string }>(
    "select order_id, sum(quantity) as value from order_lines where order_id < 10 group by order_id",
    { type: QueryTypes.SELECT },
  );
}

/** GET /stock: how much of each product there is, in a transaction that needs none */
export async function stockOf(sequelize: Sequelize, ids: readonly number[]): Promise<number> {
  return await sequelize.transaction(async (transaction) => {
    let stock = 0;
    for (const id of ids) {
      const product = await Product.findOne({ where: { id }, transaction });
      stock += product?.stock ?? 0;
    }
    return stock;
  });
}

/** POST /orders */
export async function buy(sequelize: Sequelize, basket: readonly number[]): Promise<number> {
  return await sequelize.transaction(async (transaction) => {
    const order = await Order.create({ customer_id: 3, status: "open", total: 1 }, { transaction });
    for (const id of basket) {
      const product = await Product.findByPk(id, { transaction, lock: transaction.LOCK.UPDATE });
      if (product === null || product.stock < 1) throw new Error("out of stock");
      await product.update({ stock: product.stock - 1 }, { transaction });
      await OrderLine.create({ order_id: order.id, product_id: id, quantity: 1 }, { transaction });
    }
    return order.id;
  });
}

/** GET /export.csv */
export async function exportOrders(): Promise<number> {
  let [rows, after] = [0, 0];
  for (;;) {
    const page = await Order.findAll({
      where: { id: { [Op.gt]: after } },
      order: ["id"],
      limit: 25,
    });
    rows += page.length;
    if (page.length < 25) return rows;
    after = page.at(-1)!.id;
  }
}

/** GET /overview: nothing of it needs anything else of it */
export async function overview(): Promise<number[]> {
  const orders = await Order.count();
  const lines = await OrderLine.count();
  const users = await User.count();
  const teams = await Team.count();
  const settings = await Setting.count();
  return [orders, lines, users, teams, settings];
}

/** GET /overview/small: two only */
export async function smallOverview(): Promise<number[]> {
  const orders = await Order.count();
  return [orders, await User.count()];
}

/** GET /pairs: who bought what, for each line a product */
export async function lines(order: readonly number[]): Promise<(Product | null)[]> {
  const found = await OrderLine.findAll({ where: { id: [...order] } });
  return await Promise.all(found.map((line) => Product.findByPk(line.product_id)));
}
