import { expect, test } from "vitest";
import { delta } from "./delta.ts";
import { SNAPSHOT_FORMAT, type Snapshot, type SnapshotEntry } from "./snapshot.ts";

const entry = (
  queryId: string,
  calls: number,
  more: Partial<SnapshotEntry> = {},
): SnapshotEntry => ({
  queryId,
  userId: 10,
  topLevel: true,
  since: undefined,
  calls,
  totalMs: calls * 2,
  maxMs: 5,
  rows: calls,
  blocksHit: calls,
  blocksRead: 0,
  tempBlocksWritten: 0,
  walBytes: 0,
  ...more,
});

const snapshot = (
  takenAt: number,
  entries: readonly SnapshotEntry[],
  more: Partial<Snapshot> = {},
): Snapshot => ({
  format: SNAPSHOT_FORMAT,
  takenAt,
  server: { systemId: "1", databaseOid: 5, standby: false, startedAt: 0 },
  resetAt: 100,
  evicted: 0,
  cutAtMs: undefined,
  hidden: { entries: 0, totalMs: 0 },
  entries,
  ...more,
});

const calls = (before: Snapshot, after: Snapshot) =>
  delta(before, after).entries.map((it) => [it.queryId, it.calls, it.totalMs]);

test("the difference, without what did not run", () => {
  const before = snapshot(1_000, [entry("1", 10), entry("2", 4)]);
  const after = snapshot(2_000, [entry("1", 15), entry("2", 4), entry("3", 1)]);
  expect(calls(before, after)).toEqual([
    ["1", 5, 10],
    ["3", 1, 2],
  ]);
  expect(delta(before, after).entries.every((it) => it.maxMs === undefined)).toBe(true);
});

test("a counter that fell was made again", () => {
  const before = snapshot(1_000, [entry("1", 10), entry("2", 10, { rows: 500 })]);
  const after = snapshot(2_000, [entry("1", 3), entry("2", 12, { rows: 20 })]);
  expect(calls(before, after)).toEqual([
    ["1", 3, 6],
    ["2", 12, 24],
  ]);
});

test("an entry that was made again and has outgrown the old one is known by its time", () => {
  const before = snapshot(1_000, [entry("1", 10, { since: 500 })]);
  const after = snapshot(2_000, [entry("1", 12, { since: 1_500 })]);
  expect(calls(before, after)).toEqual([["1", 12, 24]]);
});

test("what may have been there before never counts as new", () => {
  const cut = snapshot(1_000, [entry("1", 10)], { cutAtMs: 20 });
  expect(calls(cut, snapshot(2_000, [entry("1", 11), entry("2", 9)]))).toEqual([["1", 1, 2]]);
  const dated = snapshot(2_000, [entry("2", 9, { since: 900 }), entry("3", 2, { since: 1_000 })]);
  expect(calls(cut, dated)).toEqual([["3", 2, 4]]);
  // A role that did not see others' statements then, and does now.
  const blind = snapshot(1_000, [entry("1", 10)], { hidden: { entries: 1, totalMs: 1e6 } });
  const after = snapshot(2_000, [entry("1", 11), entry("7", 1e5, { userId: 11 }), entry("8", 1)]);
  expect(calls(blind, after)).toEqual([
    ["1", 1, 2],
    ["8", 1, 2],
  ]);
  expect(delta(blind, after).hidden.totalMs).toBe(0);
});

test("users, and the top level and below, are counted apart", () => {
  const before = snapshot(1_000, [entry("1", 10), entry("1", 1, { topLevel: false })]);
  const after = snapshot(2_000, [entry("1", 11), entry("1", 4, { topLevel: false })]);
  expect(calls(before, after)).toEqual([
    ["1", 1, 2],
    ["1", 3, 6],
  ]);
});

test("reset, restart and eviction are told", () => {
  const before = snapshot(1_000, []);
  const after = snapshot(2_000, [], {
    resetAt: 1_500,
    evicted: 3,
    server: { ...before.server, startedAt: 1_200 },
  });
  const notes = delta(before, after).notes.join(" ");
  expect(notes).toMatch(/reset within .* started within .* threw entries out/);
});

test("a snapshot of another place is refused", () => {
  const before = snapshot(1_000, []);
  const other = (more: Partial<Snapshot["server"]>, rest: Partial<Snapshot> = {}) =>
    snapshot(2_000, [], { server: { ...before.server, ...more }, ...rest });
  for (const after of [
    other({ systemId: "2" }),
    other({ databaseOid: 6 }),
    other({ standby: true }),
    other({ systemId: undefined }, { resetAt: 50 }),
    other({ systemId: undefined }, { resetAt: undefined }),
    snapshot(1_000, []),
    snapshot(500, []),
  ])
    expect(() => delta(before, after)).toThrow(
      expect.objectContaining({ code: "HST_DOCTOR_OPTION" }),
    );
  expect(delta(before, other({ systemId: undefined }, { resetAt: 1_500 })).entries).toEqual([]);
});
