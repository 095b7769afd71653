import { expect, test } from "vitest";
import type { LeaderMutant } from "../../../src/postgres/leader/types.ts";
import { Model } from "./model.ts";

const STEP_MS = 5;

/** One run: reads and writes everywhere, and something going wrong now and then. */
async function run(seed: number, steps: number, mutant?: LeaderMutant): Promise<Model> {
  const model = new Model(seed, mutant);
  for (let at = 0; at < 3; at++) model.start();
  for (let step = 0; step < steps && model.stale.length === 0; step++) {
    await model.clock.advance(STEP_MS);
    const living = model.processes.filter(({ dead }) => !dead);
    for (const process of living) process.serve();
    const one = living[Math.floor(model.random() * living.length)]!;
    const leader = living.find(({ candidate }) => candidate.leads) ?? one;
    const dice = model.random();
    if (dice < 0.02) void one.write();
    else if (dice < 0.04) model.commit();
    else if (dice < 0.0405) leader.stop(model.between(500, 4_000));
    else if (dice < 0.041) one.stop(model.between(500, 4_000));
    else if (dice < 0.0415) void leader.candidate.handOver();
    else if (dice < 0.042) for (const stream of model.streams) void stream.lose();
    else if (dice < 0.0424) {
      leader.kill();
      model.start();
    } else if (dice < 0.0427) model.redis.flush();
    else if (dice < 0.043) {
      model.redisDown = true;
      model.clock.schedule(model.between(100, 3_000), () => {
        model.redisDown = false;
      });
    } else if (dice < 0.0432) model.schema += 1;
  }
  return model;
}

test("whatever happens to leader, stream and Redis: nothing stale, and most reads are hits", async () => {
  let [hits, reads] = [0, 0];
  for (let seed = 1; seed <= 12; seed++) {
    const model = await run(seed, 6_000);
    expect(model.stale, `seed ${seed}`).toEqual([]);
    hits += model.hits;
    reads += model.reads;
  }
  expect(hits / reads).toBeGreaterThan(0.3);
}, 120_000);

const MUTANTS: readonly LeaderMutant[] = ["confirmBeforeAck", "keepTerm", "confirmAtReceipt"];

test.each(MUTANTS)(
  "the mutant %s is found",
  async (mutant) => {
    for (let seed = 1; seed <= 60; seed++)
      if ((await run(seed, 6_000, mutant)).stale.length > 0) return;
    expect.unreachable(`${mutant} was never stale`);
  },
  240_000,
);
