import { expect, test } from "vitest";
import { PROMISED } from "./keys.ts";
import { Oracle, type Read, type Write } from "./oracle.ts";

const BOUND_MS = 500;

const write = (change: Partial<Write>): Write => ({
  process: "writer",
  by: "delete keys",
  versions: { "p:0:0": 2 },
  softly: false,
  calledAtMs: 1_000,
  acknowledgedAtMs: 1_010,
  ...change,
});
const read = (change: Partial<Read>): Read => ({
  process: "reader",
  key: "p:0:0",
  version: 1,
  startedAtMs: 2_000,
  endedAtMs: 2_001,
  ...change,
});
const judge = (one: Read, ...writes: Write[]) =>
  new Oracle(BOUND_MS, writes, PROMISED).judge(one)?.required;

test("another process's write is due once the bound has passed since it was acknowledged", () => {
  expect(judge(read({ startedAtMs: 1_509.9 }), write({}))).toBeUndefined();
  expect(judge(read({ startedAtMs: 1_510 }), write({}))).toBe(2);
  expect(judge(read({ startedAtMs: 1_510, version: 2 }), write({}))).toBeUndefined();
  expect(judge(read({ key: "p:0:1" }), write({}))).toBeUndefined();
});

test("its own is due at once, also where nobody acknowledged it", () => {
  const own = { process: "writer", startedAtMs: 1_000 };
  expect(judge(read(own), write({ acknowledgedAtMs: undefined }))).toBe(2);
  expect(judge(read({ ...own, startedAtMs: 999 }), write({}))).toBeUndefined();
  expect(judge(read({}), write({ acknowledgedAtMs: undefined }))).toBeUndefined();
});

test("an expiry allows what has a grace, a deletion does not", () => {
  const versions = { "g:0:0": 2 };
  const graced = read({ key: "g:0:0" });
  expect(judge(graced, write({ versions, softly: true }))).toBeUndefined();
  expect(judge(graced, write({ versions }))).toBe(2);
  expect(judge(read({}), write({ softly: true }))).toBe(2);
});

test("what is made of other cached values has twice the bound", () => {
  const made = write({ versions: { "c:0:0": 2 } });
  expect(judge(read({ key: "c:0:0", startedAtMs: 2_009 }), made)).toBeUndefined();
  expect(judge(read({ key: "c:0:0", startedAtMs: 2_010 }), made)).toBe(2);
});

test("acknowledged out of order, the newest version counts from when the first did", () => {
  const newer = write({ versions: { "p:0:0": 3 }, acknowledgedAtMs: 1_000 });
  const older = write({ versions: { "p:0:0": 2 }, acknowledgedAtMs: 1_200 });
  expect(judge(read({ startedAtMs: 1_800 }), newer, older)).toBe(3);
  expect(judge(read({ startedAtMs: 1_800 }), older, newer)).toBe(3);
  const oracle = new Oracle(BOUND_MS, [newer, older], PROMISED);
  expect(oracle.lagMs(read({ startedAtMs: 1_300 }))).toBeGreaterThan(0);
  expect(oracle.lagMs(read({ startedAtMs: 1_300, version: 3 }))).toBe(0);
});
