import { expect, test } from "vitest";
import { slotOf } from "./slot.ts";

// From CLUSTER KEYSLOT of a server.
test.each([
  ["", 0],
  ["foo", 12182],
  ["123456789", 12739],
  ["{user1000}.following", 3443],
  ["{user1000}.followers", 3443],
  ["foo{}{bar}", 8363],
  ["foo{{bar}}zap", 4015],
  ["foo{bar}{zap}", 5061],
  ["ü", 9552],
])("slot of %j", (key, slot) => {
  expect(slotOf(key)).toBe(slot);
});
