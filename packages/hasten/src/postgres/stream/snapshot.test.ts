import { expect, test } from "vitest";
import { hasEnded, parseSnapshot } from "./snapshot.ts";

test("a transaction has ended below xmin, or between and not in progress", () => {
  const snapshot = parseSnapshot("10:20:12,15");
  expect([9, 10, 12, 13, 15, 19, 20, 21].filter((xid) => hasEnded(snapshot, xid))).toEqual([
    9, 10, 13, 19,
  ]);
  expect(hasEnded(parseSnapshot("10:10:"), 9)).toBe(true);
  expect(hasEnded(parseSnapshot("10:10:"), 10)).toBe(false);
});

test("32-bit ids of the WAL are those nearest to the snapshot, on both sides of a wrap", () => {
  const epoch = 2 ** 32;
  const wrapped = parseSnapshot(`${epoch + 5}:${epoch + 8}:${epoch + 6}`);
  expect(hasEnded(wrapped, epoch - 3)).toBe(true);
  expect([4, 5, 6, 7, 8].map((xid) => hasEnded(wrapped, xid))).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
  expect(hasEnded(parseSnapshot(`${epoch - 5}:${epoch - 2}:`), 3)).toBe(false);
});
