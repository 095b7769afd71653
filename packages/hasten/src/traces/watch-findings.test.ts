import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { type Asked, logOf, loop } from "../../test/traces/findings/hand-made.ts";
import { channels } from "../core/channels.ts";
import { manualClock } from "../core/clock.ts";
import { currentTrace, siteCapture, type TraceEnded } from "../core/trace/index.ts";
import { COLOURS, codeFrame, frameOf, PLAIN, paintFor } from "./code-frame.ts";
import type { TraceFinding } from "./finding.ts";
import { findingText } from "./finding-text.ts";
import { Lately } from "./lately.ts";
import { pause } from "./pause.ts";
import { traceSoFar } from "./trace-so-far.ts";
import { traced } from "./traced.ts";
import { type FindingsWatch, watchFindings } from "./watch-findings.ts";

const folder = mkdtempSync(join(tmpdir(), "hasten-findings-"));
const watches: FindingsWatch[] = [];
afterEach(() => {
  for (const watch of watches.splice(0)) watch.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

const watching = (options: Parameters<typeof watchFindings>[0]): FindingsWatch => {
  const watch = watchFindings({ root: "/app", ...options });
  watches.push(watch);
  return watch;
};

function end(asked: readonly Asked[], name = "GET /orders"): void {
  const ended: TraceEnded = { kind: "request", name, durationMs: 1, queries: logOf(asked) };
  channels.traceEnded.publish(ended);
}

test("a test collects: findings, the channel and onFinding, once in ten minutes", async () => {
  const clock = manualClock();
  const [heard, told] = [vi.fn(), vi.fn()];
  channels.traceFinding.subscribe(heard);
  const watch = watching({ clock, onFinding: told });
  expect(watch.stats().environment).toBe("test");
  end(loop(3));
  end(loop(3));
  end(loop(2));
  channels.traceEnded.publish({ kind: "request", name: "x", durationMs: 1, queries: undefined });
  expect(watch.findings().map(({ kind, trace }) => [kind, trace])).toEqual([
    ["n-plus-one", "GET /orders"],
  ]);
  expect(watch.stats()).toMatchObject({ traces: 3, judged: 3, findings: 1, suppressed: 1 });
  await clock.advance(600_000);
  end(loop(3));
  expect(watch.stats().findings).toBe(2);
  expect([heard.mock.calls.length, told.mock.calls.length]).toEqual([2, 2]);
  watch.close();
  end(loop(3));
  expect(watch.stats().traces).toBe(4);
  channels.traceFinding.unsubscribe(heard);
});

test("development prints each once, with the fix, and no value", () => {
  const lines: string[] = [];
  const watch = watching({ environment: "development", print: (text) => lines.push(text) });
  for (let times = 0; times < 3; times++)
    end(loop(12).map((one, n) => ({ ...one, values: [`s3cret${n}`] })));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^hasten: N\+1 in GET \/orders, about 22 ms to save\n {2}select \* from users/,
  );
  expect(lines[0]).toContain("at listOrders (src/orders.ts:10:5)");
  expect(lines[0]).toContain("Fix: Ask once for all of them");
  expect(lines[0]).not.toContain("s3cret");
  expect(lines[0]).not.toContain("\u001b");
  expect(watch.stats()).toMatchObject({ findings: 1, suppressed: 2 });
});

test("production judges a sample, prints nothing, and keeps to two stacks of what repeats", () => {
  const usual = { ...siteCapture };
  const error = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  let next = 0;
  const watch = watching({ environment: "production", random: () => (next++ % 20) / 20 });
  expect(siteCapture).toEqual({ from: 2, max: 2 });
  const test = watching({});
  expect(siteCapture).toEqual({ from: 1, max: 5 });
  test.close();
  for (let times = 0; times < 40; times++) end(loop(40), `GET /${times}`);
  expect(watch.stats()).toMatchObject({ traces: 40, judged: 2, findings: 1, suppressed: 1 });
  expect(error).not.toHaveBeenCalled();
  error.mockRestore();
  watch.close();
  expect(siteCapture).toEqual(usual);
});

test("what is wrong with a log, or with who is told, does not reach the request", async () => {
  const watch = watching({});
  const broken = {
    get records(): never {
      throw new Error("x");
    },
  };
  channels.traceEnded.publish({ kind: "request", name: "x", durationMs: 1, queries: broken });
  expect(watch.stats()).toMatchObject({ judged: 1, failed: 1 });
});

test("the findings kept are bounded", () => {
  const watch = watching({ findingsMax: 2, everyMs: 0 });
  for (const name of ["a", "b", "c"]) end(loop(3), name);
  expect(watch.findings().map(({ trace }) => trace)).toEqual(["b", "c"]);
  const lately = new Lately(2);
  for (const key of ["a", "b", "c"]) expect(lately.take(key, 0, 10)).toBe(true);
  expect([lately.take("c", 9, 10), lately.take("a", 9, 10), lately.take("c", 10, 10)]).toEqual([
    false,
    true,
    true,
  ]);
});

test("a baseline accepts what it holds, wherever its line has gone", () => {
  const baseline = join(folder, "baseline.json");
  const first = watching({ baseline, updateBaseline: true });
  end(loop(3, { text: "select * from b where id = $1" }));
  end(loop(3, { text: "select * from a where id = $1" }));
  first.close();
  const text = readFileSync(baseline, "utf8");
  expect(text).toBe(`{
  "version": 1,
  "findings": [
    {"kind":"n-plus-one","file":"src/orders.ts","function":"listOrders","statement":"select * from a where id = $n"},
    {"kind":"n-plus-one","file":"src/orders.ts","function":"listOrders","statement":"select * from b where id = $n"}
  ]
}
`);
  const second = watching({ baseline, updateBaseline: true });
  end(loop(3, { text: "select * from b where id = $1", line: 99 }));
  expect(second.stats()).toMatchObject({ findings: 0, suppressed: 1 });
  end(loop(3, { text: "select * from c where id = $1" }));
  expect(second.findings()).toHaveLength(1);
  second.close();
  expect(JSON.parse(readFileSync(baseline, "utf8")).findings).toHaveLength(3);
  writeFileSync(baseline, "[]");
  expect(() => watchFindings({ baseline })).toThrow("HST_TRACE_BASELINE");
  writeFileSync(baseline, "{");
  expect(() => watchFindings({ baseline })).toThrow("HST_TRACE_BASELINE");
});

test.each([
  { sample: 1.1 },
  { sample: Number.NaN },
  { everyMs: -1 },
  { findingsMax: 0 },
  { environment: "staging" as "test" },
  { updateBaseline: true },
  { allow: [{}] },
  { allow: [{ statement: "" }] },
  { thresholds: { repeatsMin: 1 } },
  { thresholds: { repeatsMin: 2.5 } },
  { thresholds: { totalMsMin: -1 } },
  { thresholds: { repeats: 3 } as object },
])("refused: %o", (options) => {
  expect(() => watchFindings(options)).toThrow("HST_TRACE_OPTION");
});

test("a code frame shows the line, where the terminal can in colours", () => {
  const text = "one\n\ttwo\nthree\nfour\nfive\nsix";
  expect(frameOf(text, { line: 2, column: 3 })).toBe(
    ["  1 | one", "> 2 |   two", "    |    ^", "  3 | three", "  4 | four"].join("\n"),
  );
  expect(frameOf(text, { line: 6, column: 1 })?.split("\n")).toHaveLength(4);
  expect(frameOf(text, { line: 7, column: 1 })).toBeUndefined();
  expect(
    codeFrame({ file: "/not/there.ts", line: 1, column: 1, functionName: "" }),
  ).toBeUndefined();
  const file = new URL(import.meta.url).href;
  expect(codeFrame({ file, line: 1, column: 1, functionName: "" })).toContain("> 1 | import");
  expect(frameOf(text, { line: 2, column: 3 }, COLOURS)).toContain("\u001b[31m>\u001b[39m 2");
  expect(paintFor({ isTTY: true }, {})).toBe(COLOURS);
  expect(paintFor({ isTTY: true }, { NO_COLOR: "1" })).toBe(PLAIN);
  expect(paintFor({ isTTY: undefined }, {})).toBe(PLAIN);
  const finding: TraceFinding = {
    ...{ kind: "budget", trace: "x", statement: "select ?", count: 1, wastedMs: 0 },
    ...{ site: undefined, evidence: [], fix: "Fewer.", key: "" },
  };
  expect(findingText(finding)).toBe(
    "too many statements in x\n  select ?\n  at a line that is not known (of Drizzle and Knex, observe(db) of hasten/postgres tells it)\n  Fix: Fewer.",
  );
});

test("a job is a trace with a name; inside another it is part of it", async () => {
  const ends: TraceEnded[] = [];
  const hear = (message: unknown): void => void ends.push(message as TraceEnded);
  channels.traceEnded.subscribe(hear);
  const clock = manualClock();
  const value = await traced(
    "nightly",
    async () => {
      const outer = currentTrace();
      for (const { shape, values } of logOf(loop(3)).records) {
        const record = outer!.queries.called(shape, values, 0);
        Object.assign(record!, { outcome: "answered", sentMs: 1, endedMs: 3 });
      }
      expect(await traced("inner", () => currentTrace())).toBe(outer);
      expect(traceSoFar()?.queries).toMatchObject({ count: 3, databaseMs: 6 });
      expect(
        traceSoFar()
          ?.findings()
          .map(({ kind }) => kind),
      ).toEqual(["n-plus-one"]);
      await clock.advance(40);
      return 7;
    },
    { clock },
  );
  await expect(traced("fails", () => Promise.reject(new Error("x")), { clock })).rejects.toThrow(
    "x",
  );
  channels.traceEnded.unsubscribe(hear);
  expect(value).toBe(7);
  expect(ends.map(({ name, kind, durationMs }) => [name, kind, Math.round(durationMs)])).toEqual([
    ["nightly", "job", 40],
    ["fails", "job", 0],
  ]);
  expect(traceSoFar()).toBeUndefined();
});

test("what is paused is counted and not judged, also what it starts", async () => {
  await traced("job", async () => {
    const { shape } = logOf(loop(1)).records[0]!;
    const call = (): boolean => currentTrace()!.queries.called(shape, [1], 0)!.unjudged;
    expect(call()).toBe(false);
    const later = pause(async () => {
      await Promise.resolve();
      return call();
    });
    expect(call()).toBe(false);
    expect(await later).toBe(true);
    expect(traceSoFar()?.queries.count).toBe(3);
  });
});
