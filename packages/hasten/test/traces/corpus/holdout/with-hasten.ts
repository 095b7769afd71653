import { createCache } from "hasten/cache";
import { type Database, sql } from "hasten/postgres";
import { loadMany } from "hasten/traces";

/** GET /products: through a cache that is cold, one by one */
export function productCards(db: Database): (ids: readonly number[]) => Promise<unknown[]> {
  const cache = createCache({ name: "products" });
  const key = cache.key("product", (id: number) => [id]).of<unknown>();
  async function productCard(id: number): Promise<unknown> {
    const read = async () => {
      const found = await db.queryOne(sql`select name, price from products where id = ${id}`);
      return found ?? null;
    };
    return await cache.getOrSet(key(id), read, { ttlMs: 60_000 });
  }
  return async function cards(ids) {
    const shown: unknown[] = [];
    for (const id of ids) shown.push(await productCard(id));
    return shown;
  };
}

/** GET /posts: comments of each by a loader */
export function threads(db: Database): () => Promise<object[]> {
  const commentsOf = loadMany(
    (posts: readonly number[]) =>
      db.query<{ post_id: number; text: string }>(
        sql`select post_id, text from comments where post_id = any(${posts})`,
      ),
    { groupBy: (comment) => comment.post_id },
  );
  return async () => {
    const posts = await db.query<{ id: number }>(sql`select id from posts order by id limit 10`);
    return Promise.all(posts.map(async ({ id }) => ({ id, comments: await commentsOf(id) })));
  };
}
