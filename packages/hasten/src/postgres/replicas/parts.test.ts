/** The pure parts: positions, samples, what may be read where, verdicts. */
import { expect, test } from "vitest";
import { lessLoaded } from "./choose.ts";
import { thisMoment } from "./order.ts";
import { endOfRecord, formatPosition, parsePosition } from "./position.ts";
import { readableOf } from "./readable.ts";
import { Samples } from "./samples.ts";
import type { ServerFacts } from "./server-facts.ts";
import { type Known, verdictOn } from "./verdict.ts";

test("positions are read as PostgreSQL writes them, and nothing else is one", () => {
  expect(parsePosition("16/B374D848")).toBe(0x16_b374_d848n);
  expect(formatPosition(0x16_b374_d848n)).toBe("16/B374D848");
  expect(formatPosition(parsePosition("0/0")!)).toBe("0/0");
  for (const not of [
    "",
    "1",
    "1/",
    "/1",
    "G/1",
    "123456789/1",
    "1/1 ",
    " 1/1",
    "1/1/1",
    7,
    null,
    undefined,
    {},
  ])
    expect(parsePosition(not)).toBeUndefined();
});

test("an insert position behind a page's header is the end of the record before it, and no other is", () => {
  expect(endOfRecord(8_192n * 3n + 24n, 8_192)).toBe(8_192n * 3n);
  expect(endOfRecord(40n, 8_192)).toBe(0n);
  expect(endOfRecord(8_192n + 32n, 8_192)).toBe(8_192n + 32n);
  expect(endOfRecord(8_192n + 24n, 65_536)).toBe(8_192n + 24n);
  expect(endOfRecord(8_192n + 24n, Number.NaN)).toBe(8_192n + 24n);
});

test("a sample covers what happened before it was asked for, the lowest first", () => {
  const samples = new Samples();
  const early = thisMoment();
  expect(samples.covering(early)).toBeUndefined();
  const add = (askedMs: number, position: bigint) =>
    samples.add({ asked: thisMoment(), askedMs, position });
  add(0, 100n);
  const middle = thisMoment();
  expect(samples.covering(early)).toBe(100n);
  expect(samples.covering(middle)).toBeUndefined();
  add(5, 150n);
  add(100, 200n);
  expect(samples.covering(early)).toBe(100n);
  expect([150n, 200n]).toContain(samples.covering(middle));
  for (let at = 1; at <= 1_000; at++) add(100 + at * 20, 200n + BigInt(at));
  expect(samples.covering(early)).toBeGreaterThan(200n);
  expect(samples.covering(thisMoment())).toBeUndefined();
});

test("age is measured by where the primary was, and a quiet primary makes nothing old", () => {
  const samples = new Samples();
  expect(samples.ageMs(0n, 0)).toBeUndefined();
  for (const [askedMs, position] of [
    [0, 100n],
    [1_000, 200n],
    [2_000, 200n],
  ] as const)
    samples.add({ asked: thisMoment(), askedMs, position });
  expect(samples.ageMs(200n, 60_000)).toBe(0);
  expect(samples.ageMs(150n, 2_000)).toBe(1_500);
  expect(samples.ageMs(100n, 2_000)).toBe(2_000);
  expect(samples.ageMs(50n, 2_500)).toBe(2_500);
});

test("only what cannot write, lock or mean something else there may be read from a replica", () => {
  const texts: readonly [string, string][] = [
    ["select 1", "plain"],
    ["/* x */ -- y\n with a as (select 1) select * from a", "plain"],
    ["values (1)", "plain"],
    ['select "update", "into" from t where s = \'delete\'', "plain"],
    ["select * from t for update", "no"],
    ["select * from t for no key update skip locked", "no"],
    ["select * from t for share", "no"],
    ["select * from t for key share", "no"],
    ["select * into x from t", "no"],
    ["with a as (delete from t returning *) select * from a", "no"],
    ["insert into t values (1)", "no"],
    ["select nextval('s')", "no"],
    ["select \"nextval\"('s')", "no"],
    ["select pg_advisory_lock(1)", "no"],
    ["select pg_try_advisory_xact_lock(1)", "no"],
    ["select set_config('a.b', 'c', false)", "no"],
    ["explain analyze select 1", "no"],
    ["call f()", "no"],
    ["begin", "no"],
    ["", "no"],
    ["select * from pg_stat_activity", "local"],
    ["select pg_backend_pid()", "local"],
    ["select relname from pg_class", "plain"],
    ["select pg_catalog.nextval('s')", "no"],
    ["select version ()", "local"],
    ["select id, version from rows where version > (select 1)", "plain"],
  ];
  for (const [text, readable] of texts) expect([text, readableOf(text)]).toEqual([text, readable]);
});

const facts = (over: Partial<ServerFacts> = {}): ServerFacts => ({
  standby: true,
  instance: "a",
  position: 200n,
  caughtUp: true,
  sinceReplayedMs: 90_000,
  system: "1",
  timeline: 1,
  ...over,
});

test("a verdict: promoted, of another server, without a position, late by time or by bytes", () => {
  const samples = new Samples();
  samples.add({ asked: thisMoment(), askedMs: 0, position: 100n });
  samples.add({ asked: thisMoment(), askedMs: 10_000, position: 300n });
  const known: Known = {
    primary: facts({ standby: false, position: 300n }),
    samples,
    primaryAnswers: true,
    nowMs: 10_000,
  };
  const limits = { maxLagMs: 6_000, maxLagBytes: 150 };
  const state = (over: Partial<ServerFacts>, than: Partial<Known> = {}) =>
    verdictOn(facts(over), { ...known, ...than }, limits).state;
  expect(state({})).toBe("ready");
  expect(verdictOn(facts(), known, limits)).toMatchObject({ lagMs: 5_000, lagBytes: 100 });
  expect(state({ standby: false })).toBe("promoted");
  expect(state({ system: "2" })).toBe("other-server");
  expect(state({ system: undefined })).toBe("ready");
  expect(state({ timeline: 2 })).toBe("other-server");
  expect(state({ position: undefined })).toBe("no-position");
  expect(state({ position: 170n })).toBe("lagging");
  expect(
    verdictOn(facts({ position: 170n }), known, { ...limits, maxLagMs: 60_000 }),
  ).toMatchObject({ state: "ready" });
  expect(
    verdictOn(facts({ position: 120n }), known, { ...limits, maxLagMs: 60_000 }),
  ).toMatchObject({ state: "lagging", lagBytes: 180 });
  // The primary is silent: the replica's own word.
  expect(state({ position: 170n }, { primaryAnswers: false })).toBe("ready");
  expect(state({ caughtUp: false }, { primaryAnswers: false })).toBe("lagging");
});

test("of two at random the less loaded is taken, of one that one, of none none", () => {
  expect(lessLoaded([], () => 0)).toBeUndefined();
  expect(lessLoaded(["a"], () => 0)).toBe("a");
  const load: Record<string, number> = { a: 3, b: 1, c: 2 };
  const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (let at = 0; at < 3_000; at++)
    counts[lessLoaded(["a", "b", "c"], (one) => load[one]!)!]! += 1;
  expect(counts["a"]).toBe(0);
  expect(counts["b"]).toBeGreaterThan(counts["c"]!);
});
