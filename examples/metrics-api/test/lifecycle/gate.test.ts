import { expect, test } from "vitest";
import { createGate, StorageBusy, WAIT_LIMIT_MS, WAITING_MAX } from "../../src/storage/gate.ts";

/** Timers that run when told to. */
function heldClock() {
  const timers = new Map<() => void, number>();
  return {
    schedule(delayMs: number, callback: () => void) {
      timers.set(callback, delayMs);
      return { cancel: () => void timers.delete(callback) };
    },
    pass(delayMs: number) {
      for (const [callback, dueMs] of [...timers]) {
        if (dueMs > delayMs) continue;
        timers.delete(callback);
        callback();
      }
    },
    pending: () => timers.size,
  };
}

test("closing waits for the writes inside and holds those that come later until it opens", async () => {
  const clock = heldClock();
  const gate = createGate(clock);
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const inside = gate.pass(() => first.promise.then(() => void order.push("first")));
  const closed = gate.close(5_000).then((empty) => order.push(`closed ${empty}`));
  const later = gate.pass(async () => void order.push("later"));
  expect(gate.inside).toBe(1);
  first.resolve();
  await Promise.all([inside, closed]);
  expect(order).toEqual(["first", "closed true"]);
  gate.open();
  await later;
  expect(order.at(-1)).toBe("later");
  expect(clock.pending()).toBe(0);
});

test("a write that does not end in time keeps the gate from closing, and a failed one counts as ended", async () => {
  const clock = heldClock();
  const gate = createGate(clock);
  const hanging = Promise.withResolvers<void>();
  const inside = gate.pass(() => hanging.promise);
  const closed = gate.close(1_000);
  clock.pass(1_000);
  expect(await closed).toBe(false);
  gate.open();
  hanging.reject(new Error("no"));
  await expect(inside).rejects.toThrow("no");
  expect(gate.inside).toBe(0);
  expect(await gate.close(1_000)).toBe(true);
});

test("a write waits at most its limit, and at most so many wait", async () => {
  const clock = heldClock();
  const gate = createGate(clock);
  await gate.close(1);
  const waiting = Array.from({ length: WAITING_MAX }, () => gate.pass(async () => "done"));
  await expect(gate.pass(async () => "done")).rejects.toBeInstanceOf(StorageBusy);
  clock.pass(WAIT_LIMIT_MS);
  const outcomes = await Promise.allSettled(waiting);
  expect(new Set(outcomes.map((it) => it.status))).toEqual(new Set(["rejected"]));
  gate.open();
  expect(await gate.pass(async () => "done")).toBe("done");
});
