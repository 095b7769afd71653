import { expect, test } from "vitest";
import { writtenIn } from "./written-in.ts";

/** The function around the line that holds `asks`. */
const around = (text: string): string =>
  writtenIn(text, text.split("\n").findIndex((line) => line.includes("asks")) + 1);

test.each([
  [
    "listPosts",
    `
export async function listPosts(db) {
  const posts = await latest(db);
  return Promise.all(
    posts.map(async (post) => {
      await asks(post);
    }),
  );
}`,
  ],
  [
    "invoices",
    `
export async function invoices(
  db: Database,
): Promise<unknown[]> {
  return db.transaction(async (tx) => {
    if (open) {
      first();
    } else {
      await asks(tx);
    }
  });
}`,
  ],
  [
    "settingOf",
    `
export const settingOf =
  (pool: pg.Pool) =>
  async (key: string): Promise<string> => {
    await asks(key);
  };`,
  ],
  ["short", "const other = 1;\nconst short = async (id: number) => (await asks(id)).rows;"],
  [
    "method",
    `
class Orders {
  private static async method<T>(id: number): Promise<T> {
    return each(ids, 3, async ({ id }) => {
      await asks(id);
    });
  }
}`,
  ],
  [
    "below",
    `
class Orders {
  async below(
    id: number,
  ): Promise<void> {
    const rows = await asks(id);
  }
}`,
  ],
  [
    "author",
    `
const resolvers = {
  Post: {
    author: async (post, _arguments, { pool }) => {
      await asks(post);
    },
  },
};`,
  ],
  ["#hidden", "class A {\n  async #hidden(id) {\n    return list.map(() => asks(id));\n  }\n}"],
  ["list", "exports.list = async (req, res) => {\n  await asks(req);\n};"],
  [
    "after",
    `
function before() {
  return 1;
}
async function after() {
  for (const row of rows) {
    const found = rows.map(async (row) => {
      switch (row.kind) {
        case 1:
          await asks(row);
      }
    });
  }
}`,
  ],
  ["", "const rows = await list.map((id) => asks(id));"],
  ["", "app.get('/orders', async (req, res) => {\n  const rows = await asks(req);\n});"],
  ["", "const found = pool.query(\n  asks,\n);"],
])("%s", (name, text) => {
  expect(around(text)).toBe(name);
});

test("lines that are not there have no function", () => {
  expect(writtenIn("function a() {\n}", 9)).toBe("");
  expect(writtenIn("", 0)).toBe("");
});
