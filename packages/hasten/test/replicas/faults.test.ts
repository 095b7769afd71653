/**
 * Load on two replicas that are killed, started, paused, cut off from their primary and from the
 * application, and one promoted, while sessions write and read. No read fails, every session sees its
 * own writes, and none goes back in time.
 */
import { expect, it } from "vitest";
import { inTrace, Trace } from "../../src/core/trace/index.ts";
import { type Database, sql } from "../../src/postgres/index.ts";
import { type World, world } from "./world.ts";

const RUN_MS = 20_000;
const ROWS = 8;
const SCHEMA = [
  "create table counter (id int primary key, n int not null)",
  `insert into counter select i, 0 from generate_series(0, ${ROWS - 1}) i`,
];

interface Tally {
  reads: number;
  writes: number;
  tokens: number;
  readonly wrong: string[];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One row only this one writes: what it must read is known. Sessions follow each other by token. */
async function client(db: Database, id: number, tally: Tally, over: () => boolean): Promise<void> {
  let after = "";
  let wrote = 0;
  while (!over()) {
    const session = db.session({ after });
    await session.run(async () => {
      const seen = new Map<number, number>();
      for (let step = 0; step < 12 && !over(); step++) {
        if (step % 6 === 2) {
          const [row] = await db.query<{ n: number }>(
            sql`update counter set n = n + 1 where id = ${id} returning n`,
          );
          wrote = row!.n;
          seen.set(id, wrote);
          tally.writes += 1;
        }
        const wanted = step % 3 === 0 ? id : (id + step) % ROWS;
        const row = await db
          .queryOne<{ n: number }>(sql`select n from counter where id = ${wanted}`)
          .catch((error: unknown) => void tally.wrong.push(`a read failed: ${String(error)}`));
        tally.reads += 1;
        if (row === undefined) continue;
        if (wanted === id && row.n < wrote) tally.wrong.push(`wrote ${wrote}, read ${row.n}`);
        if (row.n < (seen.get(wanted) ?? 0))
          tally.wrong.push(`saw ${seen.get(wanted)}, then ${row.n}`);
        seen.set(wanted, row.n);
        await pause(Math.random() * 4);
      }
      after = await session.token();
      tally.tokens += 1;
    });
  }
}

/** A request without a session of its own, now and then. */
async function visitor(db: Database, tally: Tally, over: () => boolean): Promise<void> {
  while (!over()) {
    await inTrace(new Trace(), async () => {
      let before = -1;
      for (let step = 0; step < 5; step++) {
        const rows = await db
          .query<{ sum: string }>(sql`select sum(n) from counter`)
          .catch((error: unknown) => void tally.wrong.push(`a read failed: ${String(error)}`));
        tally.reads += 1;
        const sum = Number(rows?.[0]?.sum ?? before);
        if (sum < before) tally.wrong.push(`the sum went from ${before} to ${sum}`);
        before = sum;
      }
    });
    await pause(3);
  }
}

async function faults(on: World, over: () => boolean): Promise<readonly string[]> {
  const done: string[] = [];
  const [first, second] = on.replicas;
  const steps: readonly [string, () => Promise<unknown>][] = [
    ["killed", () => first!.server.stop("crash")],
    ["started", () => first!.server.start()],
    ["paused", () => second!.server.pause()],
    ["resumed", () => second!.server.resume()],
    ["cut", async () => first!.proxy.cutAll()],
    ["silent", async () => second!.proxy.mode("black-hole")],
    ["heard", async () => [second!.proxy.cutAll(), second!.proxy.mode("pass")]],
    ["feed cut", async () => [first!.feed.mode("refuse"), first!.feed.cutAll()]],
    ["feed back", async () => first!.feed.mode("pass")],
    ["stopped", () => second!.server.stop()],
    ["started", () => second!.server.start()],
  ];
  for (const [name, step] of steps) {
    if (over()) break;
    await step();
    done.push(name);
    await pause(900 + Math.random() * 400);
  }
  await first!.server.promote();
  done.push("promoted");
  return done;
}

it("reads go on, show what their session wrote, and never go back", {
  timeout: 150_000,
}, async () => {
  await using on = await world({ replicas: 2, schema: SCHEMA });
  const db = on.open({
    replicaReads: { probeEveryMs: 100, maxLagMs: 2_000, waitMs: 20 },
    pool: { min: 0, max: 10 },
  });
  await on.caughtUp();
  await db.probeReplicas();
  const tally: Tally = { reads: 0, writes: 0, tokens: 0, wrong: [] };
  let finished = false;
  const endMs = performance.now() + RUN_MS;
  const over = (): boolean => finished || tally.wrong.length > 5;
  const load = [
    ...Array.from({ length: 4 }, (_, id) => client(db, id, tally, over)),
    ...Array.from({ length: 4 }, () => visitor(db, tally, over)),
  ];
  const done = await faults(on, over);
  while (performance.now() < endMs && !over()) await pause(50);
  finished = true;
  await Promise.all(load);
  const { replicas } = db.stats();
  expect(tally.wrong).toEqual([]);
  expect(done).toContain("promoted");
  expect(tally.writes).toBeGreaterThan(100);
  for (const one of replicas!.replicas) expect(one.reads).toBeGreaterThan(100);
  expect(replicas!.replicas[0]!.state).toBe("promoted");
});
