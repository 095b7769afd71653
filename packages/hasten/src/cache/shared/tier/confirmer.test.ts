import { expect, test } from "vitest";
import { type ManualClock, manualClock } from "../../../core/clock.ts";
import { Trust } from "../../../core/trust.ts";
import { type LinkStateKind, RedisError } from "../../../redis/index.ts";
import type { ClockRecord, ConfirmAnswer, LogEntry } from "../protocol/types.ts";
import { Captures } from "./captures.ts";
import { Confirmer } from "./confirmer.ts";
import { RedisTime } from "./time.ts";

/** A shard in Redis: its clock, and a log that the test writes. */
class FakeRedis {
  runId = "server";
  clock: ClockRecord | undefined = this.clockOf("e1", 0);
  log: LogEntry[] = [];
  /** Of the log that are there. */
  kept = 1_000_000;
  failing: Error | undefined;
  /** More are not sent within the time-out. */
  pageMax = Number.POSITIVE_INFINITY;
  slowMs = 0;
  renewed: (string | undefined)[] = [];
  asked = 0;
  state: LinkStateKind = "ready";
  generation = 1;

  clockOf(epoch: string, head: number): ClockRecord {
    const rest = { rootDeleted: 0, rootExpired: 0, floor: 0, generation: 0 };
    return { epoch, seq: 100 + head, head, runId: this.runId, ...rest };
  }

  invalidate(count = 1): void {
    for (let left = count; left > 0; left--) {
      const position = this.clock!.head + 1;
      this.log.push({ position, body: Buffer.from(`${position}`) });
      this.clock = this.clockOf(this.clock!.epoch, position);
    }
  }

  confirm(clock: ManualClock, position: number, countMax: number): ConfirmAnswer {
    this.asked += 1;
    if (this.failing !== undefined) throw this.failing;
    const there = this.log.slice(-this.kept);
    const entries = there.filter((one) => one.position > position).slice(0, countMax);
    if (entries.length > this.pageMax) throw new Error("no answer in time");
    const own = this.clock?.runId === this.runId ? this.clock : undefined;
    return { clock: own, redisMs: clock.nowMs() + 1_000, entries, sources: new Map() };
  }
}

function setup() {
  const clock = manualClock();
  const redis = new FakeRedis();
  const told: string[] = [];
  let trust = new Trust("stream", 500, clock);
  const link = {
    get state() {
      return { kind: redis.state, because: undefined, sinceMs: 0, attempts: 0 };
    },
    get server() {
      return { runId: redis.runId, version: "7", address: "x" };
    },
    get generation() {
      return redis.generation;
    },
  };
  const confirmer: Confirmer = new Confirmer({
    link,
    clock,
    everyMs: 125,
    time: new RedisTime(),
    captures: new Captures(),
    calls: {
      confirm: async (position, countMax) => {
        const answer = redis.confirm(clock, position, countMax);
        if (redis.slowMs > 0) {
          await new Promise<void>((resolve) => void clock.schedule(redis.slowMs, resolve));
        }
        return answer;
      },
      renew: async (expected) => {
        redis.renewed.push(expected);
        redis.log = [];
        redis.clock = redis.clockOf(`e${redis.renewed.length + 1}`, 0);
        return redis.clock;
      },
    },
    told: {
      entries: (entries) => told.push(...entries.map(({ body }) => body.toString())),
      gap: (because) => {
        told.push(`gap: ${because ?? "start"}`);
        trust.end();
        trust = new Trust("stream", 500, clock);
      },
      confirmed: (sent) => trust.confirm(sent),
      standing: () => undefined,
      failed: () => told.push("failed"),
    },
  });
  return { clock, redis, told, confirmer, trust: () => trust };
}

test("the first place is a gap; from there entries are told in order, each once", async () => {
  const { redis, told, confirmer, trust, clock } = setup();
  redis.invalidate(3);
  await confirmer.kick();
  expect(told).toEqual(["gap: start"]);
  expect(confirmer.position).toBe(3);
  expect(trust().confirmed).toBe(true);
  redis.invalidate(2);
  await clock.advance(125);
  expect(told).toEqual(["gap: start", "4", "5"]);
  await clock.advance(1_000);
  expect(told).toHaveLength(3);
  expect(redis.asked).toBe(10);
  expect(confirmer.applied).toEqual({ epoch: "e1", seq: 105 });
  confirmer.close();
  await clock.advance(1_000);
  expect(redis.asked).toBe(10);
});

test("a confirmation counts from when it was sent", async () => {
  const { redis, confirmer, trust, clock } = setup();
  await confirmer.kick();
  redis.slowMs = 400;
  const asking = confirmer.kick();
  await clock.advance(400);
  await asking;
  expect(trust().ageMs()).toBe(400);
  expect(trust().confirmed).toBe(true);
});

test("page follows page, and only the head confirms", async () => {
  const { redis, told, confirmer, trust, clock } = setup();
  await confirmer.kick();
  redis.invalidate(600);
  redis.slowMs = 200;
  const asking = confirmer.kick();
  await clock.advance(399);
  expect(told).toHaveLength(1 + 250);
  expect(trust().ageMs()).toBe(399);
  await clock.advance(201);
  await asking;
  expect(told.slice(1)).toEqual(Array.from({ length: 600 }, (_, index) => `${index + 1}`));
  expect(trust().ageMs()).toBe(200);
});

test("whatever does not continue the log is a gap", async () => {
  const { redis, told, confirmer } = setup();
  await confirmer.kick();
  redis.invalidate(3);
  redis.kept = 2;
  await confirmer.kick();
  redis.kept = 1_000_000;
  redis.invalidate(1);
  await confirmer.kick();
  expect(told).toEqual(["gap: start", "gap: entries of the log are missing", "4"]);
  redis.clock = redis.clockOf("e1", 2);
  await confirmer.kick();
  redis.clock = redis.clockOf("other", 2);
  await confirmer.kick();
  expect(told.slice(3)).toEqual([
    "gap: its clock went back",
    "gap: start",
    "gap: another epoch began",
  ]);
  // What the server forgot it has to void.
  expect(redis.renewed).toEqual(["e1"]);
  expect(confirmer.epoch).toBe("other");
});

test("a lost clock is renewed, and what was followed before is over at once", async () => {
  const { redis, told, confirmer } = setup();
  await confirmer.kick();
  redis.clock = undefined;
  await confirmer.kick();
  expect(redis.renewed).toEqual([undefined]);
  expect(told).toEqual(["gap: start", "gap: its clock was lost", "gap: start"]);
  expect(confirmer.epoch).toBe("e2");
});

test("another server gets another epoch, even if its clock looks untouched", async () => {
  const { redis, told, confirmer } = setup();
  await confirmer.kick();
  redis.generation += 1;
  expect(confirmer.epoch).toBeUndefined();
  redis.runId = "another";
  redis.clock = redis.clockOf("e1", 0);
  await confirmer.kick();
  expect(redis.renewed).toEqual(["e1"]);
  expect(told).toEqual(["gap: start", "gap: another server", "gap: start"]);
  // The same server on another connection: nothing was missed.
  redis.generation += 1;
  redis.invalidate(1);
  await confirmer.kick();
  expect(told.slice(3)).toEqual(["1"]);
  expect(redis.renewed).toHaveLength(1);
});

test("nothing of a connection counts before it was asked, nor after it was replaced", async () => {
  const { redis, told, confirmer, clock, trust } = setup();
  await confirmer.kick();
  redis.slowMs = 50;
  const asking = confirmer.kick();
  redis.invalidate(1);
  redis.generation += 1;
  await clock.advance(50);
  await asking;
  expect(told).toEqual(["gap: start"]);
  expect(confirmer.epoch).toBeUndefined();
  expect(trust().ageMs()).toBe(50);
  redis.slowMs = 0;
  await confirmer.kick();
  expect(told).toEqual(["gap: start", "1"]);
  expect(confirmer.epoch).toBe("e1");
});

test("after an error it is asked again in its time; trust lapses meanwhile", async () => {
  const { redis, told, confirmer, clock, trust } = setup();
  await confirmer.kick();
  redis.failing = new Error("no permission");
  await clock.advance(600);
  expect(trust().confirmed).toBe(false);
  expect(confirmer.because).toBe("no permission");
  // Redis refused nothing there: what is wrong is said by the link.
  redis.failing = new RedisError("HST_REDIS_TIMEOUT", "Redis gave no answer within 250 ms.");
  await clock.advance(125);
  expect(confirmer.because).toBeUndefined();
  redis.failing = undefined;
  redis.invalidate(1);
  await clock.advance(125);
  expect(trust().confirmed).toBe(true);
  expect(told.filter((one) => one !== "failed")).toEqual(["gap: start", "1"]);
  redis.state = "lost";
  const { asked } = redis;
  await clock.advance(1_000);
  expect(redis.asked).toBe(asked);
});

test("catching up: asked at once, answered by a question from after, given up on failure", async () => {
  const { redis, told, confirmer, clock } = setup();
  await confirmer.kick();
  expect(await confirmer.caughtUp({ epoch: "e1", seq: 100 })).toBe(true);
  expect(await confirmer.caughtUp({ epoch: "e0", seq: 0 })).toBe(false);
  redis.slowMs = 10;
  const running = confirmer.kick();
  redis.invalidate(1);
  const caught = confirmer.caughtUp({ epoch: "e1", seq: 101 });
  for (let ms = 0; ms < 20; ms += 5) await clock.advance(5);
  expect(await caught).toBe(true);
  expect(told.at(-1)).toBe("1");
  await running;
  redis.failing = new Error("x");
  expect(await confirmer.caughtUp({ epoch: "e1", seq: 102 })).toBe(false);
  redis.failing = undefined;
  // Of a place that Redis does not know: not for ever.
  const never = confirmer.caughtUp({ epoch: "e1", seq: 9_999 });
  for (let ms = 0; ms < 20; ms += 5) await clock.advance(5);
  expect(await never).toBe(false);
});

test("a nudge does not add up to questions without pause", async () => {
  const { redis, confirmer, clock } = setup();
  await confirmer.kick();
  const { asked } = redis;
  for (let index = 0; index < 100; index++) confirmer.nudge();
  expect(redis.asked).toBe(asked);
  await clock.advance(10);
  for (let index = 0; index < 100; index++) confirmer.nudge();
  await clock.advance(0);
  expect(redis.asked).toBeLessThanOrEqual(asked + 2);
});

test("a kick at any moment is followed by a question from after it", async () => {
  const { redis, confirmer } = setup();
  for (let turns = 0; turns < 12; turns++) {
    await confirmer.kick();
    const running = confirmer.kick();
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    redis.invalidate(1);
    await confirmer.kick();
    expect(confirmer.position).toBe(redis.clock!.head);
    await running;
  }
});

test("pages that are too much for the time-out become smaller", async () => {
  const { redis, told, confirmer } = setup();
  await confirmer.kick();
  redis.invalidate(600);
  redis.pageMax = 10;
  for (let round = 0; round < 50 && confirmer.position! < 600; round++) await confirmer.kick();
  expect(told.filter((one) => one !== "failed").slice(1)).toHaveLength(600);
});

test("doubt: nothing is trusted until the next answer", async () => {
  const { confirmer, clock } = setup();
  await confirmer.kick();
  confirmer.doubt();
  expect(confirmer.epoch).toBeUndefined();
  await clock.advance(0);
  expect(confirmer.epoch).toBe("e1");
});
