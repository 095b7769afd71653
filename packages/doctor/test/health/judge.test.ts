import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { DoctorFinding, Severity } from "../../src/finding.ts";
import { CHECKS, TRAFFIC_CHECKS } from "../../src/health/checks/all.ts";
import { type BlockingRow, chainsOf } from "../../src/health/checks/blocking.ts";
import { replicaLag, replicationSlots, type SlotRow } from "../../src/health/checks/replication.ts";
import { trafficOf } from "../../src/health/counters.ts";
import { type Saving, scoreOf } from "../../src/health/score.ts";
import { bind } from "../../src/health/template.ts";
import { THRESHOLDS } from "../../src/health/thresholds.ts";
import type { Counters, HealthContext } from "../../src/health/types.ts";

const context: HealthContext = {
  server: { major: 18, extensions: new Map() },
  thresholds: THRESHOLDS,
};

describe("scoreOf", () => {
  const finding = (severity: Severity, id: string): DoctorFinding => ({
    id: `health/${id}`,
    severity,
    title: `${id} is wrong`,
    subject: id,
    evidence: [],
    why: "",
    fix: { kind: "advice", text: "" },
  });
  const sum = (score: ReturnType<typeof scoreOf>): number =>
    score.value + score.deductions.reduce((all, each) => all + each.points, 0);

  test("one critical among many healthy checks caps at 40, one warning at 85", () => {
    expect(scoreOf({ findings: [finding("critical", "a")] })).toMatchObject({
      value: 40,
      word: "critical",
    });
    expect(scoreOf({ findings: [finding("warning", "a")] })).toMatchObject({
      value: 85,
      word: "degraded",
    });
    expect(scoreOf({ findings: [] })).toEqual({ value: 100, word: "healthy", deductions: [] });
  });

  test("remarks alone leave a database healthy, at 90 at least", () => {
    const findings = Array.from({ length: 50 }, (_, i) => finding("info", `i${i % 20}`));
    const score = scoreOf({ findings });
    expect(score).toMatchObject({ value: 90, word: "healthy" });
    expect(sum(score)).toBe(100);
  });

  test("many findings of a kind count less each, never below 0, and all of it is listed", () => {
    const few = scoreOf({ findings: [1, 2].map(() => finding("warning", "x")) });
    const many = scoreOf({ findings: Array.from({ length: 500 }, () => finding("warning", "x")) });
    expect(few.value).toBe(85);
    expect(many.value).toBe(84);
    const all = Array.from({ length: 200 }, (_, i) =>
      finding((["critical", "warning", "info"] as const)[i % 3]!, `f${i % 40}`),
    );
    expect(scoreOf({ findings: all }).value).toBe(0);
    for (const findings of [all, all.slice(0, 7), all.slice(1, 3)])
      expect(sum(scoreOf({ findings }))).toBe(100);
  });

  const saving = (share: number, severity: "info" | "warning" = "info"): Saving => ({
    title: `saves ${share}`,
    share,
    severity,
  });

  test("missing indexes take half of the share of the time that they would save", () => {
    const shares = [0.3, 0.2, 0.1, ...Array.from({ length: 12 }, () => 0.025)];
    const score = scoreOf({ findings: [], savings: shares.map((share) => saving(share)) });
    expect(score.value).toBe(55);
    expect(sum(score)).toBe(100);
    expect(score.deductions.slice(0, 3).map(({ points, because }) => [points, because])).toEqual([
      [15, "saves 0.3"],
      [10, "saves 0.2"],
      [5, "saves 0.1"],
    ]);
    expect(scoreOf({ findings: [], savings: [saving(0.004)] }).deductions).toEqual([]);
    expect(scoreOf({ findings: [], savings: [saving(0.9), saving(0.9)] }).value).toBe(50);
  });

  test("an index of high impact is a warning: capped at 85, degraded", () => {
    const score = scoreOf({ findings: [], savings: [saving(0.12, "warning")] });
    expect(score).toMatchObject({ value: 85, word: "degraded" });
    expect(score.deductions.map(({ points }) => points)).toEqual([6, 9]);
    const both = { findings: [finding("critical", "a")], savings: [saving(1, "warning")] };
    expect(scoreOf(both)).toMatchObject({ value: 20, word: "critical" });
  });
});

describe("chainsOf", () => {
  const row = (pid: number, blockers: readonly number[], wait = 10): BlockingRow => ({
    pid,
    blockers,
    application: null,
    state: "active",
    wait_ms: blockers.length > 0 ? wait : null,
    transaction_ms: 1,
    mode: null,
    relation: null,
    query: null,
    fix: "",
  });

  test("finds each root once, its depth and everyone behind it", () => {
    const chains = chainsOf([
      row(1, []),
      row(2, [1, 1]),
      row(3, [2]),
      row(4, [2, 3], 70),
      row(9, []),
      row(8, [9]),
    ]);
    expect(chains.map((chain) => chain.root.pid)).toEqual([1, 9]);
    expect(chains[0]!.blocked.map((blocked) => blocked.pid)).toEqual([2, 3, 4]);
    expect(chains[0]!.deepest).toEqual([1, 2, 3]);
    expect(chains[0]!.longestMs).toBe(70);
  });

  test("a prepared transaction is a root, a deadlock has none", () => {
    expect(chainsOf([row(0, []), row(5, [0])]).map((chain) => chain.root.pid)).toEqual([0]);
    expect(chainsOf([row(1, [2]), row(2, [1])])).toEqual([]);
  });
});

describe("replication", () => {
  const slot = (facts: Partial<SlotRow>): SlotRow => ({
    name: "s",
    type: "physical",
    active: true,
    status: "reserved",
    retained: 0,
    keep: null,
    inactive_ms: null,
    fix: "",
    ...facts,
  });
  const severities = (facts: Partial<SlotRow>): readonly string[] =>
    replicationSlots.judge([slot(facts)], context).verdicts.map((verdict) => verdict.severity);
  const GB = 1024 ** 3;

  test("slots: lost, unreserved, idle, near their limit; before 17 by what they keep", () => {
    expect(severities({})).toEqual([]);
    expect(severities({ status: "extended" })).toEqual([]);
    expect(severities({ status: "lost", active: false, retained: null })).toEqual(["critical"]);
    expect(severities({ status: "unreserved" })).toEqual(["critical"]);
    expect(severities({ active: false, inactive_ms: 29 * 60_000 })).toEqual([]);
    expect(severities({ active: false, inactive_ms: 30 * 60_000 })).toEqual(["warning"]);
    expect(severities({ active: false, retained: 2 * GB })).toEqual(["warning"]);
    expect(severities({ active: false, retained: GB / 2 })).toEqual([]);
    expect(severities({ keep: 10 * GB, retained: 6 * GB })).toEqual(["warning"]);
    expect(severities({ keep: 10 * GB, retained: 2 * GB })).toEqual([]);
  });

  test("replicas: by time or by bytes", () => {
    const lag = (lag_ms: number | null, lag_bytes: number): readonly string[] =>
      replicaLag
        .judge([{ name: "r", state: "streaming", lag_ms, lag_bytes, standby: false }], context)
        .verdicts.map((verdict) => verdict.severity);
    expect(lag(null, 100)).toEqual([]);
    expect(lag(29_000, 0)).toEqual([]);
    expect(lag(31_000, 0)).toEqual(["warning"]);
    expect(lag(3_600_000, 0)).toEqual(["critical"]);
    expect(lag(0, GB)).toEqual(["critical"]);
  });
});

describe("traffic", () => {
  const counters: Counters = {
    atMs: 1_000_000,
    resetAtMs: undefined,
    startedAtMs: 0,
    commits: 1_000,
    rollbacks: 0,
    deadlocks: 3,
    pagesHit: 99_000,
    pagesRead: 500,
    tempFiles: 1,
    tempBytes: 10,
    checkpointsTimed: 20,
    checkpointsRequested: 1,
    statementsEvicted: 0,
  };
  const judge = (id: string, before: Counters | undefined, after: Counters) =>
    TRAFFIC_CHECKS.find((check) => check.id === `health/${id}`)!.judge(
      trafficOf(before, after),
      context,
    );

  test("counters without an age make no rate, and that is said", () => {
    expect(judge("deadlocks", undefined, counters)).toMatchObject({
      verdicts: [],
      unseen: { share: 0 },
    });
    expect(judge("rollbacks", undefined, counters)).toEqual({ verdicts: [] });
  });

  test("a storm of deadlocks is critical, one is a warning, none is clean", () => {
    const later = { ...counters, atMs: counters.atMs + 60_000 };
    expect(judge("deadlocks", counters, later).verdicts).toEqual([]);
    const one = judge("deadlocks", counters, { ...later, deadlocks: 4 });
    expect(one.verdicts.map((verdict) => verdict.severity)).toEqual(["warning"]);
    const storm = judge("deadlocks", counters, { ...later, deadlocks: 10 });
    expect(storm.verdicts.map((verdict) => verdict.severity)).toEqual(["critical"]);
  });

  test("a counter that fell was reset: the later reading stands alone", () => {
    const after = { ...counters, atMs: counters.atMs + 1_000, resetAtMs: 1_000_500, commits: 5 };
    expect(trafficOf(counters, after)).toMatchObject({
      kind: "totals",
      commits: 5,
      elapsedMs: 500,
    });
  });
});

describe("the table of checks", () => {
  const all = [...CHECKS, ...TRAFFIC_CHECKS];

  test("ids are unique, why and heading are there", () => {
    expect(new Set(all.map((check) => check.id)).size).toBe(all.length);
    for (const check of all) {
      expect(check.id).toMatch(/^health\/[a-z]+(-[a-z]+)*$/);
      expect(check.why.length).toBeGreaterThan(3);
      expect(check.looksAt).not.toBe("");
    }
  });

  test("every threshold belongs to a check", () => {
    const used = new Set(all.flatMap((check) => check.thresholds));
    expect(Object.keys(THRESHOLDS).filter((name) => !used.has(name as never))).toEqual([]);
  });

  test("docs/health-checks.md has every check and threshold, with its default", () => {
    const page = readFileSync(
      new URL("../../../../docs/health-checks.md", import.meta.url),
      "utf8",
    );
    for (const check of all) expect(page).toContain(`| \`${check.id}\` |`);
    for (const [name, value] of Object.entries(THRESHOLDS))
      expect(page).toContain(`| \`${name}\` | ${value.toLocaleString("en-US")} |`);
  });

  test("every text binds on every major, with its thresholds alone", () => {
    for (const check of CHECKS)
      for (const major of [14, 15, 16, 17, 18]) {
        const numbers = Object.fromEntries(check.thresholds.map((name) => [name, 1]));
        const { text } = bind(check.sql({ major, extensions: new Map() }), {
          numbers,
          identifiers: new Map(),
        });
        expect(text).not.toMatch(/(?<!:):[A-Za-z]+\b(?![^']*')/);
      }
  });
});

describe("bind", () => {
  test("numbers become parameters, schemas are quoted, text and casts stay", () => {
    const bound = bind(`select :a, ':a', x::text, :b + :a from :"s".v`, {
      numbers: { a: 1, b: 2 },
      identifiers: new Map([["s", 'odd "one"']]),
    });
    expect(bound).toEqual({
      text: `select $1::float8, ':a', x::text, $2::float8 + $1::float8 from "odd ""one""".v`,
      values: [1, 2],
    });
    expect(() => bind("select :c", { numbers: {}, identifiers: new Map() })).toThrow(/asks for c/);
    expect(() => bind("select :toString", { numbers: {}, identifiers: new Map() })).toThrow();
  });
});
