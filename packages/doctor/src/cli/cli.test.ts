import { expect, test } from "vitest";
import { DoctorError } from "../errors.ts";
import { withoutOverlap } from "../stages/overlap.ts";
import { tried } from "../stages/part.ts";
import { distinct } from "../stages/score.ts";
import { fixtureReport } from "../testing/fixture-report.ts";
import { readArguments, STDOUT } from "./arguments.ts";
import { doctorCommand } from "./command.ts";
import { durationMs } from "./duration.ts";
import { progressLine } from "./progress.ts";
import { exitCodeOf } from "./verdict.ts";

test("--json stands alone or names a file, wherever the URL is", () => {
  const url = "postgres://h/x";
  for (const [args, json] of [
    [["--json", url], STDOUT],
    [[url, "--json"], STDOUT],
    [["--json", "out.json", url], "out.json"],
    [["--json=-", url], STDOUT],
    [["--json=report", url], "report"],
    [["--json", "--only", "health", url], STDOUT],
  ] as const) {
    const asked = readArguments(args, {});
    expect([asked.json, asked.url]).toEqual([json, url]);
  }
});

test("the command line goes before the environment, and an empty variable is none", () => {
  const env = {
    HASTEN_DOCTOR_FAIL_ON: "critical",
    HASTEN_SLOW_MS: "250",
    HASTEN_DOCTOR_SAMPLE: "",
  };
  const asked = readArguments(["--fail-on", "warning", "--only", "plans,health"], env);
  expect(asked.failOn).toBe("warning");
  expect(asked.slowMs).toBe(250);
  expect(asked.sampleMs).toBe(undefined);
  expect(asked.only).toEqual(["health", "plans"]);
  expect(asked.color).toBe(true);
  expect(readArguments([], { NO_COLOR: "1" }).color).toBe(false);
});

test("no message repeats an argument", () => {
  for (const args of [
    ["--password=secret-1"],
    ["--sample", "secret-1"],
    ["--only", "secret-1"],
    ["--fail-on", "secret-1"],
    ["--width", "secret-1"],
    ["postgres://secret-1", "secret-1"],
  ]) {
    const refused = (): unknown => readArguments(args, {});
    expect(refused).toThrow(DoctorError);
    expect(refused).not.toThrow("secret-1");
  }
});

test("durations carry their unit", () => {
  expect(["500ms", "60s", "1.5m", "1h"].map(durationMs)).toEqual([500, 60_000, 90_000, 3_600_000]);
  expect(["60", "", "s", "-1s", "1 day"].map(durationMs)).toEqual(Array(5).fill(undefined));
});

test("on a terminal one line is rewritten and taken away; elsewhere each step is told once", () => {
  const shown = (rewritable: boolean): string => {
    let text = "";
    let ms = 0;
    const line = progressLine(
      {
        out: () => undefined,
        err: (piece) => {
          text += piece;
        },
        rewritable,
      },
      () => ms,
    );
    for (let done = 1; done <= 1_000; done++, ms++)
      line.onProgress({ step: "reading plans", done, total: 1_000 });
    line.end();
    return text;
  };
  expect(shown(false)).toBe("Reading plans …\n");
  const pieces = shown(true).split("\r");
  expect(pieces.length).toBeLessThan(20);
  expect(pieces.at(-1)).toBe("\u001b[K");
});

test("findings and deductions reach the threshold", () => {
  expect(exitCodeOf(fixtureReport, undefined)).toBe(0);
  expect(exitCodeOf(fixtureReport, "critical")).toBe(1);
  const score = { ...fixtureReport.score, deductions: [] };
  expect(exitCodeOf({ ...fixtureReport, score, findings: [] }, "warning")).toBe(0);
  const [warning] = fixtureReport.findings.filter(({ severity }) => severity === "warning");
  const findings = warning === undefined ? [] : [warning];
  expect(exitCodeOf({ ...fixtureReport, score, findings }, "warning")).toBe(1);
  expect(exitCodeOf({ ...fixtureReport, score, findings }, "critical")).toBe(0);
});

test("a part that fails is a sentence without another's text; an abort ends the run", async () => {
  const heard: unknown[] = [];
  const onFault = (_part: string, error: unknown): void => void heard.push(error);
  const fails = (): Promise<never> => Promise.reject(new Error("invalid input: canary"));
  const outcome = await tried("health", { signal: undefined, onFault }, fails);
  expect(outcome.ok).toBe(false);
  expect(JSON.stringify(outcome)).not.toContain("canary");
  expect(heard).toHaveLength(1);
  const signal = AbortSignal.abort(new Error("stop"));
  await expect(tried("health", { signal, onFault }, fails)).rejects.toThrow("stop");
});

test("what several plans say of one table is told once", () => {
  const [first, second] = fixtureReport.findings;
  if (first === undefined || second === undefined) throw new Error("no findings");
  expect(distinct([first, second, { ...first }])).toEqual([first, second]);
});

test("an interrupt before the start ends with 130", async () => {
  let err = "";
  const output = {
    out: () => undefined,
    err: (text: string) => {
      err += text;
    },
  };
  const url = "postgres://127.0.0.1:1/x";
  expect(await doctorCommand([url], {}, output, AbortSignal.abort())).toBe(130);
  expect(err).toContain("interrupted");
});

test("a foreign key that an advised index serves is not told to get one of its own", () => {
  const [some] = fixtureReport.findings;
  const [advised] = fixtureReport.indexes?.advice ?? [];
  if (some === undefined || advised === undefined || advised.kind === "drop")
    throw new Error("nothing to try it on");
  const { relation } = advised.candidate;
  const keyed = (oid: number, ...columns: readonly string[]) => ({
    ...some,
    foreignKey: { relation: oid, columns },
  });
  const fixes = withoutOverlap(
    [
      keyed(relation, "customer_id"),
      keyed(relation, "created_at", "customer_id"),
      keyed(relation, "created_at"),
      keyed(relation + 1, "customer_id"),
      some,
    ],
    fixtureReport.indexes,
  );
  const served = {
    kind: "advice",
    text: "The index advised on public.orders (customer_id, created_at) serves it too.",
  };
  expect(fixes.map(({ fix }) => fix)).toEqual([served, served, some.fix, some.fix, some.fix]);
  expect(fixes.some((finding) => "foreignKey" in finding)).toBe(false);
});
