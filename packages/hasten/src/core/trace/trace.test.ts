import { expect, test } from "vitest";
import { manualClock } from "../clock.ts";
import { sequence } from "../sequence.ts";
import { broadTag, rowTag, tableTag } from "../sql-tag.ts";
import { Trust } from "../trust.ts";
import { currentTrace, inTrace, untraced } from "./current.ts";
import type { Dependency } from "./dependency.ts";
import { DEPENDENCY_TAGS_MAX } from "./dependency.ts";
import { NOTHING_READ, TOO_MANY_TAGS, Trace } from "./trace.ts";

const clock = manualClock();
const home = (table: string): string => tableTag({ database: "d", schema: "s", table });

test("a trace is found in what it runs and in what that starts, and nowhere else", async () => {
  expect(currentTrace()).toBeUndefined();
  const outer = new Trace(clock);
  await inTrace(outer, async () => {
    expect(currentTrace()).toBe(outer);
    await Promise.resolve();
    expect(currentTrace()).toBe(outer);
    const inner = new Trace(clock);
    inTrace(inner, () => expect(currentTrace()).toBe(inner));
    untraced(() => expect(currentTrace()).toBeUndefined());
    expect(currentTrace()).toBe(outer);
  });
  expect(currentTrace()).toBeUndefined();
});

test("the capture is that of the opening, whenever something is read", async () => {
  const own = manualClock();
  const seq = sequence.now();
  const trace = new Trace(own);
  await own.advance(100);
  sequence.next();
  trace.read([home("a")], undefined);
  expect(trace.dependency()).toMatchObject({ seq, capturedMs: 0, untracked: [] });
});

test("only what has a tagged read and no unknown one is tracked", () => {
  const trust = new Trust("stream", 500, clock);
  const trace = new Trace(clock);
  expect(trace.dependency().untracked).toEqual([NOTHING_READ]);
  trace.read([], trust);
  expect(trace.dependency().untracked).toEqual([NOTHING_READ]);
  trace.read([home("a")], trust);
  expect(trace.dependency()).toMatchObject({ tags: [home("a")], trusts: [trust], untracked: [] });
  trace.untracked("outbound HTTP");
  expect(trace.dependency().untracked).toEqual(["outbound HTTP"]);
});

test("what a cached value depends on is added: tags, trusts, causes, oldest capture, first expiry", () => {
  const [a, b] = [new Trust("stream", 500, clock), new Trust("triggers", 500, clock)];
  const value = (over: Partial<Dependency>): Dependency => ({
    tags: ["t"],
    trusts: [],
    seq: 1,
    capturedMs: 5,
    capturedWallMs: clock.wallMs() + 5,
    expiresAtMs: 900,
    untracked: [],
    ...over,
  });
  const trace = new Trace(clock);
  trace.include(value({ tags: ["x"], trusts: [a] }));
  trace.include(value({ tags: ["y"], trusts: [a, b], capturedMs: -7, expiresAtMs: 300 }));
  trace.include(value({ capturedWallMs: 3, untracked: ["why"], personal: ["who"] }));
  expect(trace.dependency()).toMatchObject({
    tags: ["x", "y", "t"],
    trusts: [a, b],
    seq: trace.seq,
    capturedMs: -7,
    capturedWallMs: 3,
    expiresAtMs: 300,
    untracked: ["why"],
    personal: ["who"],
  });
});

test("many rows become their tables, and too many tables are untracked", () => {
  const rows = new Trace(clock);
  for (let id = 0; id < 5_000; id++) rows.read([rowTag(home("a"), "id", `${id}`)], undefined);
  rows.read([broadTag(home("a"))], undefined);
  expect(rows.dependency()).toMatchObject({ tags: [home("a")], untracked: [] });
  const tables = new Trace(clock);
  for (let id = 0; id <= DEPENDENCY_TAGS_MAX; id++) tables.read([home(`t${id}`)], undefined);
  expect(tables.dependency()).toMatchObject({ tags: [], untracked: [TOO_MANY_TAGS] });
});

test("it is settled when no operation is under way", async () => {
  const trace = new Trace(clock);
  await trace.settled();
  trace.began();
  trace.began();
  let settled = false;
  const wait = trace.settled().then(() => {
    settled = true;
  });
  trace.ended();
  await Promise.resolve();
  expect(settled).toBe(false);
  trace.ended();
  await wait;
  expect(settled).toBe(true);
});

test("what begins, or turns out to be unknown, after the close is told once", () => {
  const late: string[] = [];
  const trace = new Trace(clock);
  trace.read([home("a")], undefined);
  trace.close(() => late.push("late"));
  expect(late).toEqual([]);
  trace.began();
  trace.untracked("x");
  trace.began();
  expect(late).toEqual(["late"]);
});

test("a passing cause is contagious like any other", () => {
  const inner = new Trace(clock);
  inner.read([home("a")], undefined);
  inner.untracked("a query that failed", "passing");
  const outer = new Trace(clock);
  outer.include(inner.dependency());
  expect(outer.dependency()).toMatchObject({ untracked: ["a query that failed"], passing: true });
  expect(new Trace(clock).dependency().passing).toBe(false);
});
