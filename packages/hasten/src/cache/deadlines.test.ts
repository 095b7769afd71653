import { expect, test } from "vitest";
import { type Clock, manualClock } from "../core/clock.ts";
import { Deadlines, DURATIONS_MAX } from "./deadlines.ts";

/** A manual clock that counts the timers it was asked for and those that were cancelled. */
function counting() {
  const clock = manualClock();
  const counts = { scheduled: 0, cancelled: 0 };
  const counted: Clock = {
    ...clock,
    schedule(delayMs, callback) {
      counts.scheduled += 1;
      const timer = clock.schedule(delayMs, callback);
      return {
        cancel() {
          counts.cancelled += 1;
          timer.cancel();
        },
      };
    },
  };
  return { clock, counted, counts };
}

const never = () => new Promise<unknown>(() => {});

test("deadlines of one duration share one timer and fall due in their order, never early", async () => {
  const { clock, counted, counts } = counting();
  const deadlines = new Deadlines(counted);
  const fell: string[] = [];
  for (const name of ["a", "b", "c"]) {
    void deadlines.within(never(), 100, () => fell.push(`${name} at ${clock.nowMs()}`));
    await clock.advance(30);
  }
  expect(counts.scheduled).toBe(1);
  await clock.advance(9);
  expect(fell).toEqual([]);
  await clock.advance(100);
  expect(fell).toEqual(["a at 100", "b at 130", "c at 160"]);
  expect(counts.scheduled).toBe(3);
});

test("work in time cancels nothing but its own deadline and passes on how it ended", async () => {
  const { clock, counted, counts } = counting();
  const deadlines = new Deadlines(counted);
  const late = (): never => {
    throw new Error("late");
  };
  expect(await deadlines.within(Promise.resolve("v"), 100, late)).toBe("v");
  await expect(deadlines.within(Promise.reject(new Error("failed")), 100, late)).rejects.toThrow(
    "failed",
  );
  const slow = deadlines.within(never(), 100, late).catch((error: Error) => error.message);
  await clock.advance(100);
  expect(await slow).toBe("late");
  expect(counts).toEqual({ scheduled: 1, cancelled: 0 });
});

test("what late work brings is dropped", async () => {
  const clock = manualClock();
  const work = Promise.withResolvers<unknown>();
  const answer = new Deadlines(clock).within(work.promise, 50, () => "stale");
  await clock.advance(50);
  work.reject(new Error("too late"));
  await clock.advance(0);
  expect(await answer).toBe("stale");
});

test("beyond DURATIONS_MAX durations a deadline has a timer of its own", async () => {
  const { clock, counted, counts } = counting();
  const deadlines = new Deadlines(counted);
  const ms = Array.from({ length: DURATIONS_MAX + 1 }, (_, n) => n + 1);
  const fell: number[] = [];
  for (const one of [...ms, ...ms]) void deadlines.within(never(), one, () => fell.push(one));
  expect(counts.scheduled).toBe(DURATIONS_MAX + 2);
  await clock.advance(100);
  expect(fell).toEqual(ms.flatMap((one) => [one, one]));
});

test("stopping cancels every shared timer", async () => {
  const { clock, counted, counts } = counting();
  const deadlines = new Deadlines(counted);
  let fell = 0;
  for (const ms of [10, 20]) void deadlines.within(never(), ms, () => (fell += 1));
  deadlines.stop();
  await clock.advance(100);
  expect(counts.cancelled).toBe(2);
  expect(fell).toBe(0);
});
