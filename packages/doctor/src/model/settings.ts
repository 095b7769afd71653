import type { Catalog } from "../catalog/types.ts";
import { type Engine, sqlstateOf } from "./engine.ts";

/** The model's process has 32 bits; its planner would go on with 4 MB where more is refused. */
const WORK_MEM_MAX = "2097151kB";
const OUT_OF_RANGE = "22023";

/**
 * What the planner reads, and how names and constants are understood. Settings that the model does
 * not know are skipped; answers with sentences on those that it could not take.
 */
export async function applySettings(engine: Engine, catalog: Catalog): Promise<readonly string[]> {
  const settings = Object.entries({
    ...catalog.settings,
    max_parallel_workers_per_gather: "0",
    search_path: catalog.searchPath.map((name) => `"${name.replaceAll('"', '""')}"`).join(", "),
  });
  const refused: string[] = [];
  for (const [name, value] of settings) {
    if (await taken(engine, name, value)) continue;
    refused.push(name);
    if (name === "work_mem") await taken(engine, name, WORK_MEM_MAX);
  }
  return refused.map((name) =>
    name === "work_mem"
      ? "The model plans with a work_mem of 2 GB, which is the most that it can have."
      : `The model cannot take the server's ${name}: it plans with its own.`,
  );
}

async function taken(engine: Engine, name: string, value: string): Promise<boolean> {
  try {
    await engine.rows("select set_config($1::text, $2::text, false)", [name, value]);
    return true;
  } catch (error) {
    engine.throwIfEnded();
    return sqlstateOf(error) !== OUT_OF_RANGE;
  }
}
