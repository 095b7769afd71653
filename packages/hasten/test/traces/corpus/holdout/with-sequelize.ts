import type { Sequelize } from "sequelize";
import { Order, OrderLine, Post, Product, User } from "../sequelize/models.ts";

/** GET /authors: one post of each, whatever happens to the others */
export async function teasers(): Promise<(string | undefined)[]> {
  const authors = await User.findAll({ limit: 9, order: ["id"] });
  const settled = await Promise.allSettled(
    authors.map(async (author) => {
      const [post] = await author.getPosts({ limit: 1 });
      return post?.title;
    }),
  );
  return settled.map((one) => (one.status === "fulfilled" ? one.value : undefined));
}

/** GET /authors/ranking */
export async function authorRanking(): Promise<[string, number][]> {
  const ranking: [string, number][] = [];
  for (const author of await User.findAll({ limit: 12, order: ["name"] })) {
    const written = await Post.count({ where: { author_id: author.id } });
    if (written > 0) ranking.push([author.name, written]);
  }
  return ranking.sort((a, b) => b[1] - a[1]);
}

/** GET /posts?page=2 */
export async function postPage(page: number): Promise<object> {
  const { rows, count } = await Post.findAndCountAll({
    limit: 10,
    offset: page * 10,
    order: ["id"],
    include: [{ model: User, as: "author" }],
  });
  return { rows, pages: Math.ceil(count / 10) };
}

/** POST /deliveries */
export async function deliver(
  sequelize: Sequelize,
  pieces: ReadonlyMap<number, number>,
): Promise<void> {
  await sequelize.transaction(async (transaction) => {
    const order = await Order.create({ customer_id: 9, status: "open", total: 0 }, { transaction });
    await OrderLine.bulkCreate(
      [...pieces].map(([product_id, quantity]) => ({ order_id: order.id, product_id, quantity })),
      { transaction },
    );
    for (const [id, by] of pieces)
      await Product.decrement("stock", { by, where: { id }, transaction });
  });
}
