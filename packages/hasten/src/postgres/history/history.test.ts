import { freshDatabase } from "hasten-tools/vitest";
import { describe, expect, test } from "vitest";
import { channels } from "../../core/channels.ts";
import { type ManualClock, manualClock } from "../../core/clock.ts";
import { createDatabase } from "../database.ts";
import { sql } from "../sql.ts";
import { collectHistory, type QueryHistoryOptions, type RegressionEvent } from "./history.ts";
import { judge, type Standing, USUAL } from "./regression.ts";
import { Tally } from "./tally.ts";

const WINDOW_MS = 60_000;
const STATEMENT = "select * from orders where id = $n";

/** Durations that vary as real ones do, the same in every run. */
function spread(meanMs: number, at: number): number {
  return meanMs * (0.7 + ((at * 7) % 13) / 20);
}

function world(options: QueryHistoryOptions = {}) {
  const clock = manualClock();
  const events: RegressionEvent[] = [];
  const history = collectHistory({
    clock,
    onRegression: (event) => events.push(event),
    ...options,
  });
  const calls = (count: number, meanMs: number, statement = STATEMENT): void => {
    for (let at = 0; at < count; at++)
      channels.postgresQuery.publish({
        ...{ statement, durationMs: spread(meanMs, at), rows: 2, ok: true },
        ...{ database: "shop", trace: undefined },
      });
  };
  const window = async (count: number, meanMs: number): Promise<void> => {
    calls(count, meanMs);
    await clock.advance(WINDOW_MS);
  };
  return { clock, events, history, calls, window };
}

async function learnt(options?: QueryHistoryOptions) {
  const made = world(options);
  for (let at = 0; at < 15; at++) await made.window(50, 4);
  return made;
}

describe("collecting", () => {
  test("windows hold counts, rows, times and their spread", async () => {
    const { history, window } = world();
    using _closed = history;
    await window(100, 4);
    const [one] = history.statements();
    expect(one).toMatchObject({ statement: STATEMENT, database: "shop" });
    expect(one!.windows).toHaveLength(1);
    expect(one!.windows[0]).toMatchObject({ count: 100, rows: 200, failed: 0 });
    expect(one!.windows[0]!.totalMs / 100).toBeCloseTo(4, 0);
    expect(one!.windows[0]!.deviationMs).toBeGreaterThan(0.3);
  });

  test("the deviation is that of the two-pass formula", () => {
    const tally = new Tally();
    const values = [1e6 + 1, 1e6 + 2, 1e6 + 4, 1e6 + 9];
    for (const durationMs of values) tally.add({ durationMs, rows: 0, ok: false });
    const mean = values.reduce((sum, value) => sum + value, 0) / 4;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const taken = tally.take(0);
    expect(taken.deviationMs).toBeCloseTo(Math.sqrt(squares / 3), 6);
    expect(taken).toMatchObject({ count: 4, failed: 4, maxMs: 1e6 + 9 });
    expect(tally.take(1)).toMatchObject({ count: 0, totalMs: 0, deviationMs: 0, maxMs: 0 });
  });

  test("is bounded in windows and in statements", async () => {
    const { history, window, calls } = world({ windowsMax: 3, statementsMax: 2 });
    using _closed = history;
    for (let at = 0; at < 5; at++) await window(1, 1);
    expect(history.statements()[0]!.windows).toHaveLength(3);
    calls(1, 1, "second");
    calls(4, 1, "third");
    expect(history.statements().map(({ statement }) => statement)).toEqual([STATEMENT, "second"]);
    expect(history.notKept).toBe(4);
  });

  test("a statement that is not seen any more makes room", async () => {
    const { history, calls, clock } = world({ windowsMax: 2, statementsMax: 1 });
    using _closed = history;
    calls(1, 1, "gone");
    await clock.advance(5 * WINDOW_MS);
    calls(1, 1, "new");
    expect(history.statements().map(({ statement }) => statement)).toEqual(["new"]);
  });

  test("leaves no listener and no timer", () => {
    const before = channels.postgresQuery.hasSubscribers;
    const history = collectHistory();
    expect(channels.postgresQuery.hasSubscribers).toBe(true);
    history.close();
    expect(channels.postgresQuery.hasSubscribers).toBe(before);
  });

  test("refuses options out of bounds", () => {
    expect(() => collectHistory({ windowMs: 10 })).toThrow(/windowMs/);
    expect(() => collectHistory({ statementsMax: 0 })).toThrow(/statementsMax/);
  });
});

describe("regressions", () => {
  test("twice as slow is found within two windows, said once, and over once", async () => {
    const { history, events, window } = await learnt();
    using _closed = history;
    await window(50, 8);
    expect(events).toEqual([]);
    await window(50, 8);
    expect(events).toMatchObject([{ kind: "slower", statement: STATEMENT }]);
    expect(events[0]!.times).toBeCloseTo(2, 0);
    expect(history.regressions()).toHaveLength(1);
    for (let at = 0; at < 5; at++) await window(50, 8);
    expect(events).toHaveLength(1);
    await window(50, 4);
    expect(events.map(({ kind }) => kind)).toEqual(["slower", "over"]);
    expect(history.regressions()).toEqual([]);
  });

  test("three times the calls at the same duration is none", async () => {
    const { history, events, window } = await learnt();
    using _closed = history;
    for (let at = 0; at < 5; at++) await window(150, 4);
    expect(events).toEqual([]);
  });

  test("one slow window is none, nor are windows of few calls", async () => {
    const { history, events, window } = await learnt();
    using _closed = history;
    for (const [count, meanMs] of [
      [50, 9],
      [50, 4],
      [50, 9],
      [5, 9],
      [50, 9],
      [50, 4],
    ] as const)
      await window(count, meanMs);
    expect(events).toEqual([]);
  });

  test("what stays slow becomes usual after a while", async () => {
    const { history, events, window } = await learnt({ acceptAfterMs: 10 * WINDOW_MS });
    using _closed = history;
    for (let at = 0; at < 30; at++) await window(50, 8);
    expect(events.map(({ kind }) => kind)).toEqual(["slower", "over"]);
    expect(history.statements()[0]!.usual!.meanMs).toBeCloseTo(8, 0);
  });

  test("a load that is slow at the same hour every week is found once", async () => {
    const { history, events, window, clock } = world();
    using _closed = history;
    const HOUR_MS = 3_600_000;
    const day = async (): Promise<void> => {
      for (let at = 0; at < 15; at++) await window(50, 4);
      await clock.advance(12 * HOUR_MS - 15 * WINDOW_MS);
    };
    const night = async (): Promise<void> => {
      for (let at = 0; at < 15; at++) await window(50, 40);
      await clock.advance(12 * HOUR_MS - 15 * WINDOW_MS);
    };
    await day();
    await night();
    await day();
    expect(events.map(({ kind }) => kind)).toEqual(["slower", "over"]);
    await clock.advance(5 * 24 * HOUR_MS + 12 * HOUR_MS);
    await day();
    await night();
    await day();
    expect(events.map(({ kind }) => kind)).toEqual(["slower", "over"]);
  });
});

/** Each mistake must change a verdict of the tests above; here the rule itself, edge by edge. */
describe("the rule", () => {
  const usual = {
    windows: 20,
    callsPerWindow: 50,
    meanMs: 10,
    deviationMs: 2,
    rowsPerCall: 1,
    from: "all",
  } as const;
  const of = (meanMs: number, count = 50) => ({
    ...{ fromMs: 1, count, failed: 0, rows: 0, totalMs: meanMs * count, deviationMs: 1, maxMs: 0 },
  });
  const suspect: Standing = { kind: "suspect", windows: 1, sinceMs: 0 };
  test("slow is more than half as much again, and beyond the noise of so many calls", () => {
    expect(judge(USUAL, of(15), usual)).toEqual(USUAL);
    expect(judge(USUAL, of(15.1), usual).kind).toBe("suspect");
    expect(judge(USUAL, of(15.1), { ...usual, deviationMs: 20 })).toEqual(USUAL);
    expect(judge(USUAL, of(15.1, 10_000), { ...usual, deviationMs: 20 }).kind).toBe("suspect");
  });
  test("two in a row, of twenty calls each", () => {
    expect(judge(suspect, of(20), usual)).toEqual({ kind: "slower", sinceMs: 0 });
    expect(judge(suspect, of(20, 19), usual)).toEqual(USUAL);
    expect(judge(suspect, of(14), usual)).toEqual(USUAL);
  });
  test("over below a fifth more than usual", () => {
    const slower: Standing = { kind: "slower", sinceMs: 0 };
    expect(judge(slower, of(12), usual)).toBe(slower);
    expect(judge(slower, of(11.9), usual)).toEqual(USUAL);
    expect(judge(slower, of(5, 19), usual)).toBe(slower);
  });
});

describe("saving", () => {
  test("what was learned is known in the next run", async () => {
    const { history, window } = await learnt();
    await window(50, 4);
    const saved = JSON.parse(JSON.stringify(history.save())) as unknown;
    history.close();
    const next = world({ saved });
    using _closed = next.history;
    for (let at = 0; at < 2; at++) await next.window(50, 8);
    expect(next.events).toMatchObject([{ kind: "slower" }]);
  });

  test("anything else is refused", () => {
    const good = { version: 1, windowMs: WINDOW_MS, statements: [] };
    expect(() => collectHistory({ saved: null })).toThrow(/saved/);
    expect(() => collectHistory({ saved: { ...good, version: 2 } })).toThrow(/saved/);
    expect(() => collectHistory({ saved: { ...good, windowMs: 1_000 } })).toThrow(/windowMs/);
    const hostile = [
      { statement: 1, database: "", baseline: [] },
      { statement: "s", database: "d", baseline: [[-1, 1]] },
      { statement: "s", database: "d", baseline: [[1e9, 1]] },
      { statement: "s", database: "d", baseline: [[1, "1"]] },
      { statement: "x".repeat(5_000), database: "d", baseline: [] },
    ];
    using history = collectHistory({ saved: { ...good, statements: hostile } });
    expect(history.statements()).toEqual([]);
  });
});

test("statements of a real database are collected, without their values", async () => {
  await using database = await freshDatabase();
  const clock: ManualClock = manualClock();
  using history = collectHistory({ clock });
  await using db = createDatabase({ url: database.url });
  await db.query(sql`select ${"canary-7f3a"}::text as word`);
  await db.query(sql`select 'canary-literal' as word`);
  await expect(db.query(sql`select 1 / ${0}::int`)).rejects.toThrow();
  await clock.advance(WINDOW_MS);
  const seen = history.statements();
  expect(seen.length).toBe(3);
  expect(seen.reduce((sum, { windows }) => sum + windows[0]!.failed, 0)).toBe(1);
  expect(JSON.stringify([seen, history.save()])).not.toContain("canary");
});
