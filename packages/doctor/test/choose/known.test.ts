/** Workloads whose best indexes are known, end to end with the model; costs of really created ones. */
import { freshDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { workloadOf } from "../../src/testing/workload.ts";
import { briefOf, creates, openScene, type Scene } from "./scene.ts";

const FILE = { source: "file", window: { kind: "file" } } as const;

describe("posts and blogs", () => {
  let db: Awaited<ReturnType<typeof freshDatabase>>;
  let scene: Scene;
  beforeAll(async () => {
    db = await freshDatabase();
    scene = await openScene(db.url, [
      `create table blogs (id int primary key, name text);
       insert into blogs select n, 'blog ' || n from generate_series(1, 1000) n;
       create table posts (id int, blog_id int, user_id int);
       insert into posts select n, n % 1000, n % 10 from generate_series(1, 100000) n`,
    ]);
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
    await db?.drop();
  });

  test.each([
    ["where user_id = 1 and blog_id = 2", 41, ["(user_id, blog_id)", "(blog_id, user_id)"]],
    ["where user_id = 1 and blog_id < 10", 272, ["(user_id, blog_id)"]],
    ["where user_id = 1 order by blog_id limit 1000", 260, ["(user_id, blog_id)"]],
    ["order by user_id, blog_id limit 10", 2, ["(user_id, blog_id)"]],
    ["order by user_id desc, blog_id limit 10", 2, ["(user_id desc, blog_id)"]],
    ["join blogs on blogs.id = posts.blog_id where blogs.id = 1", 275, ["(blog_id)"]],
    ["where blog_id = 5", 265, ["(blog_id)"]],
  ])("%s", async (rest, most, expected) => {
    const text = `select posts.* from posts ${rest}`;
    const result = await scene.advise(workloadOf([text], FILE));
    const made = creates(result);
    expect(made.map(briefOf)).toHaveLength(1);
    expect(expected.map((keys) => `posts ${keys}`)).toContain(made.map(briefOf)[0]);
    const [advice] = made;
    expect(advice?.badge).toBe("model");
    const change = { add: made.map(({ candidate }) => candidate), drop: [] };
    const planned = await scene.real.whatIf(change, (explain) =>
      explain({ id: "real", planText: text }),
    );
    if (planned.kind === "refused") throw new Error(planned.because);
    expect(planned.uses).toEqual([advice?.candidate.id]);
    expect(planned.totalCost).toBeLessThan(most);
    const told = advice?.statements[0]?.costAfter ?? 0;
    expect(Math.abs(told - planned.totalCost)).toBeLessThan(Math.max(1, planned.totalCost * 0.02));
  });

  test("nothing for what no index helps", async () => {
    const texts = [
      "select * from posts",
      "with x as materialized (select * from posts) select * from x where blog_id = 1",
      "select * from blogs where id = 5",
      "select count(*) from pg_class where relname = 'posts'",
    ];
    expect((await scene.advise(workloadOf(texts, FILE))).advice).toEqual([]);
  });

  test("one index serves all that it can, at most one of a redundant pair", async () => {
    const texts = [
      "select * from posts where user_id = $1 and blog_id = $2",
      "select * from posts where user_id = $1 and blog_id < 10",
      "select * from posts where user_id = $1 order by blog_id limit 10",
    ];
    const made = creates(await scene.advise(workloadOf(texts, FILE)));
    expect(made.map(briefOf)).toEqual(["posts (user_id, blog_id)"]);
    expect(made[0]?.statements).toHaveLength(3);
  });

  test("what cannot be planned is said, the rest is advised", async () => {
    const texts = ["select * from posts where blog_id = $1", "select * from nothing where a = $1"];
    const result = await scene.advise(workloadOf(texts));
    expect(creates(result).map(briefOf)).toEqual(["posts (blog_id)"]);
    expect(result.uncovered.map(({ id }) => id)).toEqual(["2"]);
  });

  test("a budget of nothing allows nothing, and no budget is exceeded", async () => {
    const texts = [
      "select * from posts where user_id = $1 and blog_id < 10",
      "select * from posts where id = $1",
      "select * from posts order by blog_id desc, id limit 10",
    ];
    const all = creates(await scene.advise(workloadOf(texts)));
    expect(all.length).toBeGreaterThan(1);
    for (const writeBudget of [0, 0.3, 0.6, 1]) {
      const made = creates(await scene.advise(workloadOf(texts), {}, { writeBudget }));
      const sum = made.reduce((total, { writeShare }) => total + writeShare, 0);
      expect(sum).toBeLessThanOrEqual(writeBudget + 1e-9);
    }
  });
});
