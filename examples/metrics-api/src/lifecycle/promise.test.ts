import type { CoherenceStatus } from "hasten/postgres";
import { expect, test } from "vitest";
import { promiseLine, weakest } from "./promise.ts";

const status = (given: Partial<CoherenceStatus>): CoherenceStatus => ({
  state: "live",
  promise: "stream",
  boundMs: 500,
  because: undefined,
  confirmedAgoMs: 3,
  position: "0/16B3748",
  findings: [],
  sinceMs: 0,
  ...given,
});

test("the start says how soon writes are seen, and why no better is promised", () => {
  expect(promiseLine(status({}))).toContain("by anyone's within 500 ms");
  const own = status({ promise: "own-writes", because: "wal_level is replica." });
  expect(promiseLine(own)).toMatch(
    /^own writes: .* expire\. wal_level is replica\. \(npx hasten preflight /,
  );
  const none = status({ promise: "ttl", state: "connecting", because: undefined });
  expect(promiseLine(none)).toBe("none yet (connecting), writes are seen when entries expire");
});

test("several processes promise what the weakest of them can", () => {
  const all = [status({}), status({ promise: "own-writes" }), status({ promise: "triggers" })];
  expect(weakest(all).promise).toBe("own-writes");
});
