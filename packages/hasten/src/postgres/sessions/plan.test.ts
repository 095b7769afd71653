/** Random sessions and policies against the promises; each rule that is taken out must be noticed. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SessionFacts, SessionFinding } from "./facts.ts";
import { LEAVE_RULES, type LeaveRule } from "./leave-rules.ts";
import { type Decision, type PlanInput, plan, type SessionAction } from "./plan.ts";
import { type ResolvedPolicy, resolvePolicy } from "./policy.ts";
import { traitsOf } from "./traits.ts";

const ROLE = "app";
const OWN_PID = 1;
const TEXTS = [
  "select * from orders where id = 'secret'",
  "select 1 /* hasten: leave */",
  "vacuum orders",
  "create index on orders (id)",
  "copy orders to stdout",
  "update orders set n = 1",
  "do $$ begin end $$",
] as const;
const CUT = "select 1; select 2";

const sessions: fc.Arbitrary<SessionFacts> = fc
  .record({
    pid: fc.integer({ min: 1, max: 6 }),
    role: fc.constantFrom(ROLE, ROLE, ROLE, ROLE, ROLE, "other", "widened", undefined),
    applicationName: fc.constantFrom(
      ...["shop", "shop 7", "shop", "shop", "shop", "sho", "second", "hasten coherence", "pg_dump"],
    ),
    backendType: fc.constantFrom(
      ...Array.from({ length: 6 }, () => "client backend"),
      "walsender",
      undefined,
    ),
    state: fc.constantFrom("active", "active", "idle in transaction", undefined),
    text: fc.constantFrom(...TEXTS, ...Array.from({ length: 8 }, () => TEXTS[0]), CUT),
    life: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ text, life, ...rest }) => ({
    ...rest,
    database: "shop",
    instants: {
      backendStart: rest.backendType === undefined ? undefined : "1",
      transactionStart: String(life),
      statementStart: String(life),
      stateChange: String(life),
    },
    transactionMs: 1,
    statementMs: 1,
    stateMs: 1,
    statement: text,
    text: traitsOf(text, text === CUT),
  }));

const findings: fc.Arbitrary<SessionFinding> = fc
  .record({
    kind: fc.constantFrom("idle-in-transaction", "long-running", "blocking", "blocked" as const),
    session: sessions,
    forMs: fc.integer({ min: 0, max: 400 }),
  })
  .map(({ kind, session, forMs }) => ({
    ...{ kind, session, forMs, blockers: [], roots: [], waiting: 0, checkout: undefined },
    id: `${kind} ${session.pid} ${session.instants.statementStart}`,
  })) as fc.Arbitrary<SessionFinding>;

const limit = fc.option(fc.integer({ min: 100, max: 200 }), { nil: undefined });
const policies: fc.Arbitrary<ResolvedPolicy> = fc
  .record({
    cancelMs: limit,
    laterMs: limit,
    idleMs: limit,
    perMinute: fc.integer({ min: 1, max: 4 }),
    roles: fc.constantFrom([], ["widened"]),
    applicationNames: fc.constantFrom([], ["second"]),
  })
  .map(({ cancelMs, laterMs, idleMs, ...rest }) => {
    const terminateMs = laterMs === undefined ? undefined : laterMs + (cancelMs ?? 0);
    const limits = { cancelMs, terminateMs };
    const idleInTransaction = { terminateMs: idleMs };
    return resolvePolicy(
      { ...rest, longRunning: limits, blocking: limits, idleInTransaction },
      "shop",
    )!;
  });

const inputs: fc.Arbitrary<PlanInput> = fc
  .record({
    findings: fc.array(findings, { maxLength: 12 }),
    policy: policies,
    seen: fc.array(fc.constantFrom("none", "seen", "seen", "cancelled", "both"), { minLength: 12 }),
    signalledAtMs: fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 3 }),
  })
  .map(({ findings: found, policy, seen, signalledAtMs }) => {
    const taken = new Map<string, ReadonlySet<SessionAction>>();
    found.forEach(({ id }, n) => {
      if (seen[n] === "none") taken.delete(id);
      else taken.set(id, new Set(STEPS[seen[n]!]));
    });
    const nowMs = 100_000;
    return { findings: found, policy, role: ROLE, ownPid: OWN_PID, taken, signalledAtMs, nowMs };
  });
const STEPS: Readonly<Record<string, readonly SessionAction[]>> = {
  seen: [],
  cancelled: ["cancel"],
  both: ["cancel", "terminate"],
};

/** What is promised, said once more and apart from the rules. */
function broken(input: PlanInput, decisions: readonly Decision[]): string | undefined {
  const acts = decisions.filter((decision) => decision.kind === "act");
  const { policy, taken } = input;
  const recent = input.signalledAtMs.filter((atMs) => input.nowMs - atMs < 60_000).length;
  if (acts.length > Math.max(0, policy.perMinute - recent)) return "more than a minute allows";
  if (new Set(acts.map(({ finding }) => finding.session.pid)).size < acts.length)
    return "two signals for one session in one look";
  for (const { finding, action } of acts) {
    const { session: s, kind, forMs } = finding;
    const steps = taken.get(finding.id);
    if (kind === "blocked") return "who waits was ended";
    const { cancelMs, terminateMs } = policy.limits[kind];
    if (steps === undefined) return "signalled at the first look";
    if (steps.has(action)) return "the same step twice";
    if (forMs < ((action === "cancel" ? cancelMs : terminateMs) ?? Number.POSITIVE_INFINITY))
      return "before its limit";
    const active = s.state === "active";
    if (action === "cancel" && !active) return "nothing to cancel";
    if (action === "terminate" && active && cancelMs !== undefined && !steps.has("cancel"))
      return "terminated before it was cancelled";
    if (s.pid === OWN_PID) return "itself";
    if (s.backendType !== "client backend") return "no client";
    if (s.state === undefined || s.role === undefined) return "not visible";
    if (s.role !== ROLE && !policy.roles.includes(s.role)) return "another role";
    const own = s.applicationName.startsWith("shop") || s.applicationName === "second";
    if (!own) return "another application";
    if (s.applicationName === "second" && policy.applicationNames.length === 1)
      return "another application, not widened";
    if (!/^(?:select \* |update)/.test(s.statement)) return `protected: ${s.statement}`;
  }
  return undefined;
}

const check = (rules: readonly LeaveRule[], run = plan): void =>
  fc.assert(
    fc.property(inputs, (input) => {
      expect(broken(input, run(input, rules))).toBeUndefined();
    }),
    { numRuns: 3_000, seed: 5, endOnFailure: true },
  );

describe("what is decided", () => {
  test("keeps every promise for random sessions, policies and histories", () => {
    check(LEAVE_RULES);
  });

  test("is something in a fair part of the cases", () => {
    let acts = 0;
    let left = 0;
    let limited = 0;
    for (const input of fc.sample(inputs, { numRuns: 2_000, seed: 5 }))
      for (const { kind } of plan(input)) {
        acts += Number(kind === "act");
        left += Number(kind === "leave");
        limited += Number(kind === "limited");
      }
    expect(Math.min(acts, left, limited)).toBeGreaterThan(50);
  });

  // Where two rules cover the same, both are taken out.
  const TOGETHER: readonly (readonly string[])[] = [
    ["not visible", "not a client"],
    ["itself"],
    ["another role"],
    ["another application"],
    ["asked to be left"],
    ["not a plain statement"],
    ["text cut short"],
    ["a tool", "another application"],
    ["hasten's own", "another application"],
  ];
  test.each(TOGETHER.map((reasons) => [reasons.join(", "), reasons] as const))(
    "is noticed to be wrong without the rule: %s",
    (_name, reasons) => {
      expect(() => check(LEAVE_RULES.filter(({ reason }) => !reasons.includes(reason)))).toThrow();
    },
  );

  const MUTANTS: readonly (readonly [string, (input: PlanInput) => PlanInput])[] = [
    ["ignores the minute", (input) => ({ ...input, signalledAtMs: [] })],
    [
      "forgets what was done",
      (input) => ({ ...input, taken: new Map([...input.taken].map(([id]) => [id, new Set()])) }),
    ],
    [
      "takes all for seen before",
      (input) => ({
        ...input,
        taken: new Map(
          input.findings.map(({ id }) => [id, input.taken.get(id) ?? new Set<SessionAction>()]),
        ),
      }),
    ],
    [
      "does not wait for the limit",
      (input) => ({
        ...input,
        findings: input.findings.map((finding) => ({ ...finding, forMs: finding.forMs + 100 })),
      }),
    ],
    [
      "cancels never",
      (input) => ({
        ...input,
        taken: new Map([...input.taken].map(([id, steps]) => [id, new Set([...steps, "cancel"])])),
      }),
    ],
  ];
  test.each(MUTANTS)("is noticed to be wrong when it %s", (_name, mutate) => {
    const originals = new Map<string, number>();
    expect(() =>
      check(LEAVE_RULES, (input, rules) => {
        for (const finding of input.findings) originals.set(finding.id, finding.forMs);
        const byId = new Map(input.findings.map((finding) => [finding, finding]));
        const mutated = mutate(input);
        // Judged by the original findings.
        return plan(mutated, rules).map((decision) => {
          const at = mutated.findings.indexOf(decision.finding);
          const original = input.findings[at]!;
          return { ...decision, finding: byId.get(original) ?? original } as Decision;
        });
      }),
    ).toThrow();
  });
});

describe("a text", () => {
  test.each([
    ["select 1", true],
    ["/* c */ -- d\n (select 1) union select 2", true],
    ["WITH x AS (select 1) delete from t", true],
    ["begin; update t set a = 1; commit", true],
    ["", false],
    ["vacuum (full) t", false],
    ["begin; alter table t add c int", false],
    ["copy (select 1) to stdout", false],
    ["COPY t from stdin", false],
    ["reindex table t", false],
    ["create index concurrently on t (a)", false],
    ["analyze t", false],
    ["cluster t", false],
    ["refresh materialized view v", false],
    ["do $$ begin perform 1; end $$", false],
    ["call p()", false],
    ["commit prepared 'x'", false],
    ["rollback prepared 'x'", false],
    ["prepare transaction 'x'", false],
    ["START_REPLICATION SLOT s", false],
    ["truncate t", false],
  ])("%s may be ended: %s", (text, plain) => {
    expect(traitsOf(text, false).plain).toBe(plain);
  });

  test("asks to be left in a comment, not in a string", () => {
    expect(traitsOf("select 1 /* hasten: leave */", false).leave).toBe(true);
    expect(traitsOf("select 1 -- hasten:leave", false).leave).toBe(true);
    expect(traitsOf("select '/* hasten: leave */'", false).leave).toBe(false);
  });

  test("that was cut and holds several statements may hide anything", () => {
    expect(traitsOf("select 1; select 2", true).severalCut).toBe(true);
    expect(traitsOf("select 1, 2, 3", true).severalCut).toBe(false);
  });
});

test("options out of bounds are refused", () => {
  const refused = (policy: object): void =>
    expect(() => resolvePolicy(policy, "shop")).toThrow(/HST_PG_OPTION|policy\./);
  refused({ perMinute: 0 });
  refused({ longRunning: { cancelMs: 50 } });
  refused({ longRunning: { cancelMs: 500, terminateMs: 400 } });
  refused({ idleInTransaction: { cancelMs: 500 } });
  refused({ applicationNames: [""] });
  refused({ roles: "app" });
  refused({ dryRun: "yes" });
});
