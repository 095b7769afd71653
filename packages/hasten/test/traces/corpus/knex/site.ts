import type { Knex } from "knex";

/** GET /sitemap: comments below each post, by nested loops */
export async function sitemap(knex: Knex): Promise<string[]> {
  const lines: string[] = [];
  const authors = await knex<{ id: number }>("users").select("id").limit(5);
  for (const author of authors) {
    const posts = await knex<{ id: number; title: string; author_id: number }>("posts")
      .where("author_id", author.id)
      .select("id", "title");
    for (const post of posts) {
      const [row] = await knex("comments").where("post_id", post.id).count("* as n");
      lines.push(`${post.title}: ${row?.["n"]}`);
    }
  }
  return lines;
}

/** The id of each manager, upwards from many people */
export async function managers(knex: Knex, people: readonly number[]): Promise<Set<number>> {
  const found = new Set<number>();
  await Promise.all(
    people.map(async (person) => {
      const row = await knex("users").where({ id: person }).first<{ manager_id: number }>();
      if (row.manager_id !== null) found.add(row.manager_id);
    }),
  );
  return found;
}

const setting = async (knex: Knex, key: string): Promise<string> => {
  const row = await knex("settings").where({ key }).first<{ value: string }>("value");
  return row.value;
};

/** GET /invoice: the tax for each line */
export async function invoice(knex: Knex, order: number): Promise<number> {
  const lines = await knex<{ quantity: number }>("order_lines")
    .where("order_id", "<=", order)
    .limit(6);
  let total = 0;
  for (const { quantity } of lines) total += quantity * Number(await setting(knex, "tax"));
  return total;
}

/** Different settings: two. */
export async function look(knex: Knex): Promise<string[]> {
  return [await setting(knex, "theme"), await setting(knex, "currency")];
}

/** GET /log: everything that ever happened */
export async function log(knex: Knex): Promise<number> {
  const rows = await knex("events").select("id", "kind").orderBy("id");
  return rows.length;
}

/** GET /log?page=… */
export async function logPages(knex: Knex, size: number): Promise<number> {
  let seen = 0;
  for (let page = 0; page < 5; page++) {
    const rows = await knex("events")
      .select("id", "kind")
      .orderBy("id")
      .limit(size)
      .offset(page * size);
    seen += rows.length;
  }
  return seen;
}

/** GET /library */
export async function library(knex: Knex): Promise<string[]> {
  const rows = await knex<{ title: string }>("documents").orderBy("title").limit(80);
  return rows.map(({ title }) => title);
}

/** GET /numbers */
export async function numbers(knex: Knex): Promise<unknown[]> {
  const users = await knex("users").count();
  const posts = await knex("posts").count();
  const comments = await knex("comments").count();
  const tags = await knex("tags").count();
  return [users, posts, comments, tags];
}

export async function numbersAtOnce(knex: Knex): Promise<unknown[]> {
  return await Promise.all([
    knex("users").count(),
    knex("posts").count(),
    knex("comments").count(),
    knex("tags").count(),
  ]);
}

/** The schema is brought up to date when the program starts. */
export async function migrate(knex: Knex): Promise<void> {
  for (const table of ["teams", "tags", "settings", "jobs"]) {
    if (!(await knex.schema.hasColumn(table, "note")))
      await knex.schema.alterTable(table, (change) => void change.text("note"));
  }
}

/** POST /tags: many rows, in portions */
export async function importTags(knex: Knex, names: readonly string[]): Promise<void> {
  const rows = names.map((name, place) => ({ id: 500 + place, name }));
  await knex.batchInsert("tags", rows, 4);
}
