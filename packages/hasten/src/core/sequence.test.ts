import { expect, test } from "vitest";
import { sequence } from "./sequence.ts";

test("a capture is below every later invalidation, and not below an earlier one", () => {
  const earlier = sequence.next();
  const capture = sequence.now();
  const later = sequence.next();
  expect(earlier <= capture).toBe(true);
  expect(later > capture).toBe(true);
  expect(sequence.now()).toBe(later);
});
