import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createTickets } from "./tickets.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a wait ends when its own ticket is answered, and an answer nobody waits for is ignored", async () => {
  const tickets = createTickets();
  const first = tickets.open(100);
  const second = tickets.open(100);
  tickets.answer(second.ticket);
  tickets.answer(second.ticket);
  tickets.answer(99);
  expect(await second.answered).toBe(true);
  vi.advanceTimersByTime(100);
  expect(await first.answered).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test("waits beyond the most that may be open end at once", async () => {
  const tickets = createTickets(1);
  const first = tickets.open(100);
  expect(await tickets.open(100).answered).toBe(false);
  tickets.answer(first.ticket);
  expect(await first.answered).toBe(true);
});
