import { expect, test } from "vitest";
import { manualClock } from "../../../core/clock.ts";
import { Waiters } from "./waiters.ts";

async function isOver(over: Promise<void>): Promise<boolean> {
  return await Promise.race([over.then(() => true), Promise.resolve().then(() => false)]);
}

test("woken by their key, by their time, by leaving, and all at once", async () => {
  const clock = manualClock();
  const waiters = new Waiters(clock, 10);
  const [a, b, c, d] = ["k", "k", "other", "timed"].map((key) => waiters.join(key)!);
  waiters.wake(["k", "nobody's"]);
  expect([await isOver(a!.over), await isOver(b!.over), await isOver(c!.over)]).toEqual([
    true,
    true,
    false,
  ]);
  d!.until(100);
  await clock.advance(99);
  expect(await isOver(d!.over)).toBe(false);
  await clock.advance(1);
  expect(await isOver(d!.over)).toBe(true);
  const e = waiters.join("k")!;
  e.leave();
  e.leave();
  expect(await isOver(e.over)).toBe(true);
  expect(waiters.size).toBe(1);
  waiters.wakeAll();
  expect(await isOver(c!.over)).toBe(true);
  expect(waiters.size).toBe(0);
});

test("at most so many", () => {
  const waiters = new Waiters(manualClock(), 2);
  waiters.join("a");
  waiters.join("a");
  expect(waiters.join("b")).toBeUndefined();
  waiters.wakeAll();
  expect(waiters.join("b")).toBeDefined();
  waiters.wakeAll();
});
