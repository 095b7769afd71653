import { asc, eq, inArray, sql } from "drizzle-orm";
import { type Drizzle, products, settings, teams, users } from "../drizzle/tables.ts";

/** GET /teams: three members of each */
export async function teamCards(db: Drizzle): Promise<object[]> {
  const all = await db.select().from(teams).orderBy(asc(teams.id)).limit(9);
  const cards = await Promise.all(
    all.map(async (team) => {
      const members = await db.query.users.findMany({
        where: eq(users.teamId, team.id),
        limit: 3,
      });
      return { team: team.name, members: members.map(({ name }) => name) };
    }),
  );
  return cards;
}

export class Configuration {
  readonly #db: Drizzle;
  constructor(db: Drizzle) {
    this.#db = db;
  }
  async all(): Promise<Map<string, string>> {
    const rows = await this.#db.select().from(settings);
    return new Map(rows.map(({ key, value }) => [key, value]));
  }
}

const taxOf = async (configuration: Configuration): Promise<number> =>
  Number((await configuration.all()).get("tax"));
const currencyOf = async (configuration: Configuration): Promise<string | undefined> =>
  (await configuration.all()).get("currency");

/** GET /checkout/summary */
export async function summary(db: Drizzle): Promise<object> {
  const configuration = new Configuration(db);
  const tax = await taxOf(configuration);
  const currency = await currencyOf(configuration);
  const theme = (await configuration.all()).get("theme");
  return { tax, currency, theme };
}

/** GET /prices?ids=…: asked for in portions, because there may be thousands */
export async function priceList(db: Drizzle, ids: readonly number[]): Promise<number> {
  let sum = 0;
  for (let from = 0; from < ids.length; from += 25) {
    const portion = await db
      .select({ price: products.price })
      .from(products)
      .where(inArray(products.id, ids.slice(from, from + 25)));
    for (const { price } of portion) sum += Number(price);
  }
  return sum;
}

/** PATCH /products/:id: written only if nobody else wrote meanwhile, else once more */
export async function reprice(db: Drizzle, id: number): Promise<number> {
  for (let attempt = 1; attempt <= 5; attempt++) {
    const [seen] = await db
      .select({ stock: products.stock })
      .from(products)
      .where(eq(products.id, id));
    // Somebody else is quicker, twice.
    if (attempt <= 2) await db.execute(sql`update products set stock = stock + 1 where id = ${id}`);
    const written = await db
      .update(products)
      .set({ price: "12" })
      .where(sql`${products.id} = ${id} and ${products.stock} = ${seen!.stock}`)
      .returning({ id: products.id });
    if (written.length > 0) return attempt;
  }
  throw new Error("too many others");
}
