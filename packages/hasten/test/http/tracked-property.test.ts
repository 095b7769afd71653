// Whatever a source of changes does, a lapsed trust never gives a HIT: an oracle judges each answer.
import { cached } from "hasten/express";
import { expect, test } from "vitest";
import { manualClock } from "../../src/core/clock.ts";
import { instant, Trust } from "../../src/core/trust.ts";
import { BOUND_MS, type FakeSource, fakeSource, startTracked } from "./tracked-app.ts";

const ROWS = 3;
const STEPS = 250;

/** A small generator, so that a failure can be run again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

/** One that always holds: what the checks would be without. */
class Gullible extends Trust {
  override holds(): boolean {
    return true;
  }
}

interface Row {
  version: number;
  /** When its version became what it is. */
  changedAtMs: number;
  previousEndedMs: readonly number[];
}

interface World {
  readonly source: FakeSource;
  readonly rows: Row[];
  /** False while the source has lost its connection: changes are missed. */
  connected: boolean;
}

function write(world: World, id: number, drop: (tag: string) => void): void {
  const row = world.rows[id]!;
  const nowMs = world.source.clock.nowMs();
  row.previousEndedMs = [...row.previousEndedMs, nowMs];
  row.version += 1;
  row.changedAtMs = nowMs;
  if (world.connected) drop(`sql:d:public.rows:id=${id}`);
}

/** How long before now the version that was served had been replaced. */
function staleForMs(world: World, id: number, version: number): number {
  const row = world.rows[id]!;
  if (version === row.version) return 0;
  return world.source.clock.nowMs() - row.previousEndedMs[version]!;
}

/** The worst staleness of an answer that was served as fresh, and how many hits there were. */
async function run(seed: number, make: (source: FakeSource) => Trust) {
  const next = random(seed);
  const source = fakeSource(manualClock());
  source.trust = make(source);
  const rows = Array.from({ length: ROWS }, () => ({
    version: 0,
    changedAtMs: 0,
    previousEndedMs: [],
  }));
  const world: World = { source, rows, connected: true };
  let [worstMs, hits] = [0, 0];
  await using it = await startTracked({ source, retryAfterMs: 0 }, (app, responses) => {
    const policy = { staleWhileRevalidateMs: 60_000, graceMs: 60_000 };
    app.get("/:id", cached(responses, policy), async (req, res) => {
      const id = Number(req.params["id"]);
      const version = await source.read([`sql:d:public.rows:id=${id}`], async () => {
        return rows[id]!.version;
      });
      res.json(version);
    });
  });
  for (let step = 0; step < STEPS; step++) {
    const id = Math.floor(next() * ROWS);
    const what = next();
    if (what < 0.55) {
      const answer = await it.get(`/${id}`);
      if (answer.headers["x-cache"] === "HIT") {
        hits += 1;
        worstMs = Math.max(worstMs, staleForMs(world, id, Number(answer.text)));
      } else expect(answer.headers["x-cache"]).toBe("MISS");
    } else if (what < 0.7) {
      write(world, id, (tag) => it.responses.cache.dropLocal([tag], "a row changed"));
    } else if (what < 0.9) {
      await source.clock.advance(Math.floor(next() * 300));
      if (world.connected) source.trust.confirm(instant(source.clock));
    } else if (world.connected) {
      source.trust.end();
      world.connected = false;
    } else {
      source.trust = make(source);
      source.confirm();
      world.connected = true;
    }
  }
  return { worstMs, hits };
}

const honest = ({ clock }: FakeSource): Trust => new Trust("stream", BOUND_MS, clock);
const gullible = ({ clock }: FakeSource): Trust => new Gullible("stream", BOUND_MS, clock);

test("no answer that is served as fresh was replaced longer ago than the bound", async () => {
  let hits = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const seen = await run(seed, honest);
    expect(seen.worstMs, `seed ${seed}`).toBeLessThanOrEqual(BOUND_MS);
    hits += seen.hits;
  }
  expect(hits).toBeGreaterThan(300);
});

test("the oracle sees it when trusts are not asked", async () => {
  let worstMs = 0;
  for (let seed = 1; seed <= 4; seed++) {
    worstMs = Math.max(worstMs, (await run(seed, gullible)).worstMs);
  }
  expect(worstMs).toBeGreaterThan(BOUND_MS);
});
