import { expect, test } from "vitest";
import { manualClock } from "../../../core/clock.ts";
import { instant } from "../../../core/trust.ts";
import type { ClockRecord, DecodedEntry, ReadAnswer } from "../protocol/types.ts";
import { Captures } from "./captures.ts";
import { Reading } from "./reading.ts";
import { RedisTime } from "./time.ts";

const REDIS_MS = 50_000;

function setup() {
  const clock = manualClock();
  const time = new RedisTime();
  time.learn(REDIS_MS, instant(clock), instant(clock));
  const captures = new Captures();
  const state = {
    epoch: "e" as string | undefined,
    position: 7,
    ownSeq: 0,
    own: undefined as "deleted" | "expired" | undefined,
    nudged: 0,
  };
  const reading = new Reading({
    clock,
    time,
    captures,
    place: state,
    ownSeq: () => state.ownSeq,
    cover: () => state.own,
    behind: () => {
      state.nudged += 1;
    },
  });
  return { clock, captures, state, reading };
}

const clockOf = (over: Partial<ClockRecord> = {}): ClockRecord => ({
  ...{ epoch: "e", seq: 100, head: 7, runId: "r", floor: 0, generation: 0 },
  ...{ rootDeleted: 0, rootExpired: 0 },
  ...over,
});

const entryOf = (over: Partial<DecodedEntry> = {}): DecodedEntry => ({
  ...{ freshUntilRedisMs: REDIS_MS + 1_000, staleUntilRedisMs: REDIS_MS + 2_000 },
  ...{ capturedRedisMs: REDIS_MS - 500, loadMs: 3, tags: ["t"], dependency: undefined, seq: 90 },
  ...{ payload: { form: 1, bytes: Buffer.from("1") }, expiredSeq: undefined },
  ...over,
});

const found = (
  clock: Partial<ClockRecord> = {},
  entry: Partial<DecodedEntry> = {},
  expiredAtRedisMs?: number,
): ReadAnswer => ({
  ...{ kind: "found", fresh: expiredAtRedisMs === undefined, expiredAtRedisMs, bytes: 10 },
  ...{ entry: entryOf(entry), clock: clockOf(clock) },
});

test("found: in the times of this process, with the place of the answer as capture", async () => {
  const { clock, reading, captures, state } = setup();
  await clock.advance(100);
  expect(reading.judge("k", found())).toMatchObject({
    kind: "found",
    fresh: true,
    capture: { epoch: "e", seq: 100 },
    entry: {
      freshUntilMs: 1_000,
      staleUntilMs: 2_000,
      capturedMs: -500,
      capturedWallMs: clock.wallMs() - 600,
      seq: 90,
    },
  });
  expect(captures.at(clock.nowMs())).toEqual({ epoch: "e", seq: 100 });
  expect(state.nudged).toBe(0);
});

test("only of the epoch that was confirmed; otherwise it is asked", () => {
  const { reading, state, captures } = setup();
  for (const epoch of ["other", undefined]) {
    state.epoch = epoch;
    expect(reading.judge("k", found())).toMatchObject({ kind: "unavailable" });
  }
  expect(reading.judge("k", { kind: "lost", because: "no clock" })).toEqual({
    kind: "unavailable",
    because: "no clock",
  });
  expect(state.nudged).toBe(3);
  expect(captures.at(1e9)).toBeUndefined();
});

test("what this process has invalidated is not there for it, acknowledged or not", () => {
  const { reading, state } = setup();
  state.own = "deleted";
  expect(reading.judge("k", found())).toMatchObject({ kind: "absent" });
  state.own = "expired";
  expect(reading.judge("k", found())).toMatchObject({
    kind: "found",
    fresh: false,
    entry: { expired: true, freshUntilMs: 0 },
  });
  state.own = undefined;
  // Executed before an own invalidation that was acknowledged since.
  state.ownSeq = 101;
  expect(reading.judge("k", found())).toMatchObject({ kind: "absent" });
  expect(reading.judge("k", found({ seq: 101 }))).toMatchObject({ kind: "found" });
});

test("what is over by the latest that Redis may show is absent, or stale", async () => {
  const { reading, clock } = setup();
  await clock.advance(1_000);
  expect(reading.judge("k", found())).toMatchObject({ kind: "found", fresh: false });
  await clock.advance(1_000);
  expect(reading.judge("k", found())).toMatchObject({ kind: "absent" });
});

test("what was expired may stand in for its grace, counted from then and not from each look", async () => {
  const { reading, clock } = setup();
  await clock.advance(400);
  const expired = found({}, {}, REDIS_MS - 500);
  expect(reading.judge("k", expired)).toMatchObject({
    entry: { expired: true, staleUntilMs: 500 },
  });
  await clock.advance(100);
  expect(reading.judge("k", expired)).toMatchObject({ kind: "absent" });
});

test("Redis knows more than was heard here: that is asked for", () => {
  const { reading, state } = setup();
  expect(reading.judge("k", found({ head: 8 }))).toMatchObject({ kind: "found" });
  expect(state.nudged).toBe(1);
});
