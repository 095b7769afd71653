import type pg from "pg";

interface Category {
  readonly id: number;
  readonly name: string;
  readonly children: Category[];
}

/** The tree below a category, a question for each node. */
export async function subtree(pool: pg.Pool, parent: number): Promise<Category[]> {
  const { rows } = await pool.query<{ id: number; name: string }>(
    "select id, name from categories where parent_id = $1 order by id",
    [parent],
  );
  const tree: Category[] = [];
  for (const row of rows) tree.push({ ...row, children: await subtree(pool, row.id) });
  return tree;
}

export async function subtreeAtOnce(pool: pg.Pool, root: number): Promise<object[]> {
  const { rows } = await pool.query<object>(
    `with recursive tree as (
       select id, parent_id, name from categories where id = $1
       union all select c.id, c.parent_id, c.name from categories c join tree t on c.parent_id = t.id
     ) select * from tree`,
    [root],
  );
  return rows;
}

/** Work for a list, three at a time. */
export async function eachOf<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const lane = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** What each product sold, for a page of the catalogue. */
export async function bestsellers(pool: pg.Pool): Promise<Map<number, number>> {
  const { rows } = await pool.query<{ id: number }>("select id from products order by id limit 14");
  const sold = new Map<number, number>();
  await eachOf(rows, 3, async ({ id }) => {
    const answer = await pool.query<{ sold: number }>(
      "select coalesce(sum(quantity), 0)::int as sold from order_lines where product_id = $1",
      [id],
    );
    sold.set(id, answer.rows[0]!.sold);
  });
  return sold;
}

export const prices =
  (pool: pg.Pool, setting: (key: string) => Promise<string>) => async (): Promise<string[]> => {
    const { rows } = await pool.query<{ name: string; price: string }>(
      "select name, price from products order by id limit 7",
    );
    const shown: string[] = [];
    for (const { name, price } of rows)
      shown.push(`${name}: ${price} ${await setting("currency")}`);
    return shown;
  };

/** The same with what does not change asked for once. */
export const pricesOnce =
  (pool: pg.Pool, setting: (key: string) => Promise<string>) => async (): Promise<string[]> => {
    const [currency, products] = await Promise.all([
      setting("currency"),
      pool.query<{ name: string; price: string }>("select name, price from products limit 7"),
    ]);
    return products.rows.map(({ name, price }) => `${name}: ${price} ${currency}`);
  };
