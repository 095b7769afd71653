import { expect, test } from "vitest";
import { type Change, Oracle, type Question, type Read, type Write } from "./oracle.ts";

const BOUND_MS = 500;

function write(resolvedAtMs: number | undefined, change: Change, more: Partial<Write> = {}): Write {
  const startedAtMs = (resolvedAtMs ?? 0) - 1;
  return {
    process: "psql",
    startedAtMs,
    resolvedAtMs,
    asynchronous: false,
    changes: [change],
    ...more,
  };
}

const row = (version: number | undefined, state: string | null = "red"): Change => ({
  row: "a:1",
  version,
  state,
});

function read(startedAtMs: number, rows: Read["rows"], more: Partial<Read> = {}): Read {
  const question: Question = { kind: "row", row: "a:1" };
  const endedAtMs = startedAtMs + 1;
  return { process: "api 0", path: "/", startedAtMs, endedAtMs, question, rows, ...more };
}

const seed = write(0, row(1));

test("a foreign write may be missed until the bound has passed, and not after", () => {
  const oracle = new Oracle(BOUND_MS, [seed, write(1_000, row(2))]);
  expect(oracle.judge(read(1_499, [["a:1", 1]]))).toBeUndefined();
  expect(oracle.judge(read(1_500, [["a:1", 1]]))).toMatchObject({
    row: "a:1",
    seen: 1,
    required: 2,
    writtenAgoMs: 500,
    ownWrite: false,
  });
  expect(oracle.judge(read(9_000, [["a:1", 2]]))).toBeUndefined();
});

test("a process sees its own write at once; another has until the bound", () => {
  const oracle = new Oracle(BOUND_MS, [seed, write(1_000, row(2), { process: "api 0" })]);
  expect(oracle.judge(read(999, [["a:1", 1]]))).toBeUndefined();
  expect(oracle.judge(read(1_000, [["a:1", 1]]))).toMatchObject({ required: 2, ownWrite: true });
  expect(oracle.judge(read(1_200, [["a:1", 1]], { process: "api 1" }))).toBeUndefined();
  expect(oracle.judge(read(1_200, [["a:1", 1]], { process: "api 0 again" }))).toBeUndefined();
});

test("a row missing from a list is stale unless a state from the required version on explains it", () => {
  const list = { question: { kind: "list", state: "red" } } as const;
  const moved = write(1_000, row(2, "blue"));
  const oracle = new Oracle(BOUND_MS, [seed, moved, write(3_000, row(3, "red"))]);
  expect(oracle.judge(read(700, [], list))).toMatchObject({ seen: "absent", required: 1 });
  expect(oracle.judge(read(1_000, [], list))).toBeUndefined();
  expect(oracle.judge(read(1_600, [["a:1", 1]], list))).toMatchObject({ required: 2 });
  expect(oracle.judge(read(3_499, [], list))).toBeUndefined();
  expect(oracle.judge(read(3_500, [], list))).toMatchObject({ seen: "absent", required: 3 });
});

test("a deleted row must go, and one that came back must show", () => {
  const oracle = new Oracle(BOUND_MS, [seed, write(1_000, row(2, null)), write(2_000, row(3))]);
  expect(oracle.judge(read(1_600, [["a:1", 1]]))).toMatchObject({ required: 2 });
  expect(oracle.judge(read(1_600, []))).toBeUndefined();
  expect(oracle.judge(read(2_500, []))).toMatchObject({ seen: "absent", required: 3 });
});

test("a write of unknown outcome obliges nobody and excuses what it explains", () => {
  const unknown = write(undefined, row(undefined, null), { startedAtMs: 1_000 });
  const oracle = new Oracle(BOUND_MS, [seed, unknown]);
  expect(oracle.judge(read(5_000, [["a:1", 1]]))).toBeUndefined();
  expect(oracle.judge(read(5_000, []))).toBeUndefined();
  expect(oracle.judge(read(900, []))).toMatchObject({ seen: "absent" });
});

test("an asynchronous commit just before a crash obliges nobody", () => {
  const lost = write(1_000, row(2), { asynchronous: true });
  const kept = new Oracle(BOUND_MS, [seed, lost], [2_500]);
  expect(kept.judge(read(4_000, [["a:1", 1]]))).toMatchObject({ required: 2 });
  const crashed = new Oracle(BOUND_MS, [seed, lost], [1_400]);
  expect(crashed.judge(read(4_000, [["a:1", 1]]))).toBeUndefined();
});

test("a total is stale below the sum of the required versions", () => {
  const other: Change = { row: "a:2", version: 4, state: "red" };
  const oracle = new Oracle(BOUND_MS, [seed, write(0, other), write(1_000, row(3))]);
  const sum = { question: { kind: "sum", rows: ["a:1", "a:2"] } } as const;
  expect(oracle.judge(read(1_400, [], { ...sum, sum: 5 }))).toBeUndefined();
  expect(oracle.judge(read(1_500, [], { ...sum, sum: 5 }))).toMatchObject({ seen: 5, required: 7 });
  expect(oracle.judge(read(1_500, [], { ...sum, sum: 7 }))).toBeUndefined();
});

test("the lag of an answer is the age of the oldest write it does not show", () => {
  const oracle = new Oracle(BOUND_MS, [seed, write(1_000, row(2)), write(1_100, row(3))]);
  expect(oracle.lagMs(read(1_300, [["a:1", 1]]))).toBe(300);
  expect(oracle.lagMs(read(1_300, [["a:1", 3]]))).toBe(0);
});

test("writes that resolve out of order require the newest version", () => {
  const oracle = new Oracle(BOUND_MS, [seed, write(1_100, row(2)), write(1_000, row(3))]);
  expect(oracle.judge(read(1_700, [["a:1", 2]]))).toMatchObject({ required: 3 });
});

/** A cache that misses one invalidation now and then, over a random history: the oracle's own mutant. */
test("a planted stale read is caught in a random history, and no fresh one is accused", () => {
  let state = 7;
  const random = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  const writes: Write[] = [seed];
  for (let version = 2; version <= 400; version++) {
    const team = random() < 0.2 ? null : random() < 0.5 ? "red" : "blue";
    writes.push(write(version * 40, row(version, team), { process: `p${version % 3}` }));
  }
  const oracle = new Oracle(BOUND_MS, writes);
  const answer = (atMs: number, state: string | null, version: number): Read => {
    const rows: Read["rows"] = state === "red" ? [["a:1", version]] : [];
    return read(atMs, rows, { process: "p9", question: { kind: "list", state: "red" } });
  };
  let planted = 0;
  for (let atMs = 1_000; atMs < 15_000; atMs += 13) {
    const newest = Math.floor(atMs / 40);
    const change = writes[newest - 1]!.changes[0]!;
    expect(oracle.judge(answer(atMs, change.state, newest))).toBeUndefined();
    const old = writes[newest - 1 - 14]!.changes[0]!;
    const read = answer(atMs, old.state, newest - 14);
    if (old.state !== "red") continue;
    planted += 1;
    expect(oracle.judge(read)).toMatchObject({ seen: newest - 14 });
  }
  expect(planted).toBeGreaterThan(100);
});
