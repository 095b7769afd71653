/** A database with rows, and everything that advice for it needs. */
import pg from "pg";
import { readCatalog } from "../../src/catalog/read.ts";
import type { Catalog } from "../../src/catalog/types.ts";
import { advise } from "../../src/choose/advise.ts";
import type { AdviseInput } from "../../src/choose/input.ts";
import type { AdviceResult, CreateAdvice } from "../../src/choose/types.ts";
import { openModel } from "../../src/model/open.ts";
import type { Planner } from "../../src/model/types.ts";
import { loadParser, type Parser } from "../../src/parse/parse.ts";
import { connectionFrom } from "../../src/target/connection.ts";
import { openTarget } from "../../src/target/open.ts";
import type { Target } from "../../src/target/types.ts";
import { openServerPlanner } from "../../src/testing/server-planner.ts";
import type { Workload } from "../../src/workload/types.ts";
import { vacuumUntilVisible } from "./visible.ts";

export interface Scene extends AsyncDisposable {
  readonly client: pg.Client;
  readonly target: Target;
  readonly catalog: Catalog;
  readonly parser: Parser;
  /** The model, on the schema as it was when the scene was opened. */
  readonly planner: Planner;
  /** Costs with indexes that are really created. */
  readonly real: Planner;
  advise(
    workload: Workload,
    facts?: Partial<Catalog>,
    more?: Partial<AdviseInput>,
  ): Promise<AdviceResult>;
}

/** Runs the setup, analyses and vacuums, and opens target, catalog, model and the real planner. */
export async function openScene(url: string, setup: readonly string[]): Promise<Scene> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const text of setup) await client.query(text);
  await vacuumUntilVisible(client);
  const target = await openTarget(connectionFrom(url, {}));
  const catalog = await readCatalog(target);
  const parser = await loadParser();
  const planner = await openModel(target, catalog);
  const real = await openServerPlanner({ url, relations: catalog.relations });
  return {
    ...{ client, target, catalog, parser, planner, real },
    advise: (workload, facts = {}, more = {}) =>
      advise({
        ...{ target, workload, parser, planner },
        catalog: { ...catalog, ...facts },
        missing: planner.missing,
        ...more,
      }),
    [Symbol.asyncDispose]: async () => {
      await real[Symbol.asyncDispose]();
      await planner[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
      await client.end();
    },
  };
}

/** `posts (user_id, blog_id desc) include (x) where …`, as `create index` has it after the table. */
export function briefOf(advice: CreateAdvice): string {
  const { candidate } = advice;
  const table = advice.table.replace(/^public\./, "");
  const method = candidate.method === "btree" ? "" : ` using ${candidate.method}`;
  const keys = candidate.keys.map(
    (key) =>
      (key.column ?? key.sql) +
      (key.opclass === undefined ? "" : ` ${key.opclass}`) +
      (key.descending ? " desc" : ""),
  );
  const include =
    candidate.include.length === 0 ? "" : ` include (${candidate.include.join(", ")})`;
  const where = candidate.predicate === undefined ? "" : ` where ${candidate.predicate}`;
  return `${table}${method} (${keys.join(", ")})${include}${where}`;
}

export function creates(result: AdviceResult): readonly CreateAdvice[] {
  return result.advice.filter((each) => each.kind !== "drop");
}
