/** What can go, planned without it; and what is said where nothing can be planned. */
import { freshDatabase } from "hasten-tools/vitest";
import { expect, test } from "vitest";
import { workloadOf } from "../../src/testing/workload.ts";
import { briefOf, creates, openScene } from "./scene.ts";

const SETUP = `
  create table orders (id int primary key, customer int, day int, note text);
  insert into orders select n, n % 2000, n % 365, repeat('x', 60) from generate_series(1, 50000) n;
  create index orders_customer on orders (customer);
  create index orders_customer_day on orders (customer, day);
  create index orders_double on orders (customer, day);
  create unique index orders_unique on orders (id)`;

test("doubles and prefixes go, one of each stays, and all of it can be undone", {
  timeout: 90_000,
}, async () => {
  await using db = await freshDatabase();
  await using scene = await openScene(db.url, [SETUP]);
  const workload = workloadOf(["select * from orders where customer = $1 and day = $2"]);
  const { advice } = await scene.advise(workload);
  const drops = advice.filter((each) => each.kind === "drop");
  expect(drops.map(({ because }) => because).sort()).toEqual(["duplicate", "prefix"]);
  const gone = drops.map(({ index }) => index);
  expect(gone).toContain("orders_customer");
  expect(gone).not.toContain("orders_unique");
  expect(drops.find(({ because }) => because === "prefix")?.badge).toBe("model");
  const names = async (): Promise<readonly string[]> =>
    (
      await scene.client.query<{ name: string }>(
        "select indexname as name from pg_indexes where tablename = 'orders' order by 1",
      )
    ).rows.map(({ name }) => name);
  const before = await names();
  for (const { ddl } of drops) for (const text of ddl) await scene.client.query(text);
  expect(await names()).toEqual(before.filter((name) => !gone.includes(name)));
  for (const { rollback } of drops) for (const text of rollback) await scene.client.query(text);
  expect(await names()).toEqual(before);

  const blind = await scene.advise(
    workloadOf(["select * from orders where day = $1"]),
    {},
    {
      planner: undefined,
    },
  );
  const [guess] = creates(blind);
  expect(guess && briefOf(guess)).toBe("orders (day)");
  expect(guess).toMatchObject({ badge: "unverified", savedShare: 0 });
  expect(blind.uncovered).toEqual([{ id: "1", because: "Nothing could be planned." }]);

  const orders = scene.catalog.relations.find(({ name }) => name === "orders")?.oid ?? 0;
  const because = "the role may not read its rows";
  const hidden = await scene.advise(
    workloadOf(["select * from orders where day = $1"]),
    {},
    {
      missing: [{ relation: orders, because }],
    },
  );
  expect(creates(hidden)[0]).toMatchObject({ badge: "unverified", unverifiedBecause: because });
});
