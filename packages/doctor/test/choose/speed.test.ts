/** 300 statements and about 1,000 candidates: advice by the model within 30 seconds. */
import { freshDatabase } from "hasten-tools/vitest";
import { expect, test } from "vitest";
import { candidatesFor } from "../../src/candidates/candidates-for.ts";
import { understand } from "../../src/candidates/understand.ts";
import { adviseOn } from "../../src/choose/advise-on.ts";
import { workloadOf } from "../../src/testing/workload.ts";
import { openScene } from "./scene.ts";

const TABLES = 30;
const COLUMNS = ["a", "b", "c", "d", "e", "f", "g", "h"] as const;

test("300 statements, 1,000 candidates", { timeout: 300_000 }, async () => {
  await using db = await freshDatabase();
  const distinct = [7, 50, 300, 1_000, 5_000, 40, 12, 20_000];
  const values = distinct.map((many, at) => `(n * ${7919 + at}) % ${many}`).join(", ");
  await using scene = await openScene(
    db.url,
    Array.from(
      { length: TABLES },
      (_, table) => `
        create table t${table} (id int primary key, ${COLUMNS.map((name) => `${name} int`).join(", ")}, note text);
        insert into t${table} select n, ${values}, repeat('x', 50) from generate_series(1, 20000) n`,
    ),
  );
  const texts = Array.from({ length: 300 }, (_, at) => {
    const table = `t${at % TABLES}`;
    const column = (nth: number): string => COLUMNS[(at * 3 + nth * 5) % COLUMNS.length] ?? "a";
    switch (Math.floor(at / TABLES) % 5) {
      case 0:
        return `select * from ${table} where ${column(0)} = $1 and ${column(1)} = $2`;
      case 1:
        return `select * from ${table} where ${column(0)} = $1 order by ${column(1)} desc limit 20`;
      case 2:
        return `select ${column(0)}, ${column(2)} from ${table} where ${column(0)} = $1 and ${column(1)} > $2`;
      case 3:
        return `select x.* from ${table} x join t${(at + 1) % TABLES} y on y.${column(0)} = x.${column(1)} where y.${column(2)} = $1 and x.h = $2`;
      default:
        return `select count(*) from ${table} where ${column(0)} in ($1, $2) and ${column(1)} between $3 and $4 and ${column(2)} = $5`;
    }
  });
  const workload = workloadOf(texts);
  const { catalog, parser, planner, target } = scene;
  const cpu = process.cpuUsage();
  const facts = workload.statements.map((each) => understand(each, catalog, parser));
  const candidates = candidatesFor(facts, catalog);
  const result = await adviseOn(
    { target, catalog, workload, parser, planner, missing: [] },
    { facts, candidates },
  );
  // Of processor time: what else runs on the machine does not count.
  const spent = process.cpuUsage(cpu);
  const seconds = (spent.user + spent.system) / 1e6;
  process.stderr.write(
    `${candidates.length} candidates, ${result.considered.plans} plans, ${result.advice.length} pieces of advice in ${seconds.toFixed(1)} s\n`,
  );
  expect(candidates.length).toBeGreaterThan(600);
  expect(result.uncovered).toEqual([]);
  expect(result.advice.length).toBeGreaterThan(TABLES / 2);
  expect(seconds).toBeLessThan(30);
});
