/** What libraries do of themselves: prepare connections, send nothing until awaited. */
import { createCache } from "hasten/cache";
import { openCoherence } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { type Dependency, inTrace, Trace } from "../../src/core/trace/index.ts";
import { CAUSES } from "../../src/postgres/watch/causes.ts";
import { type Items, libraries, SCHEMA } from "./libraries.ts";

async function seen(work: () => Promise<unknown>): Promise<Dependency> {
  const trace = new Trace();
  await inTrace(trace, async () => {
    await work();
  });
  return trace.dependency();
}

describe.each(libraries)("$name", (library) => {
  it("is tracked from its second request on, and what the first one made is not kept", async () => {
    await using db = await freshDatabase();
    const setup = new pg.Client({ connectionString: db.url });
    await setup.connect();
    await setup.query(SCHEMA);
    await setup.end();
    await using coherence = await openCoherence({ url: db.url, autoSetup: true });
    const open = (): Items =>
      library.open(db.url, { max: 4, watch: (target) => coherence.watch(target) });
    const items = open();
    const first = await seen(() => items.byId(1));
    const causes = library.name === "Sequelize" ? [CAUSES.preparing] : [];
    expect(first).toMatchObject({ untracked: causes, passing: causes.length > 0 });
    const more = Array.from({ length: 4 }, () => seen(() => items.onShelf("shelf-1")));
    for (const { untracked } of await Promise.all(more)) expect(untracked).toEqual([]);

    // A load may give a query that is sent only when it is awaited.
    await using cache = createCache({ tracked: true, log: coherence.log });
    coherence.attach(cache);
    const one = await cache.getOrSet("one", () => items.byId(2), { ttlMs: 60_000 });
    expect(one).toMatchObject({ label: "label 2" });
    expect(cache.entry("one")?.untracked).toEqual([]);

    const others = open();
    await others.byId(1);
    expect((await seen(() => others.byId(1))).untracked).toEqual([]);
    expect((await seen(() => items.byId(1))).untracked).toEqual([]);
    await Promise.all([items.close(), others.close()]);
  });
});
