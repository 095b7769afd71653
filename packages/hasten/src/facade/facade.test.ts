import { expect, test, vi } from "vitest";
import type { SharedStatus } from "../cache/index.ts";
import { manualClock } from "../core/clock.ts";
import type { CoherenceStatus, Finding } from "../postgres/index.ts";
import { openParts } from "./open.ts";
import { promiseLine } from "./promise-line.ts";
import { onStopSignal } from "./signals.ts";
import { nameOf } from "./sources.ts";
import { createTelling } from "./telling.ts";

const STATUS: CoherenceStatus = {
  state: "live",
  promise: "stream",
  boundMs: 500,
  because: undefined,
  confirmedAgoMs: 3,
  position: "0/1",
  findings: [],
  sinceMs: 0,
};
const REDIS: SharedStatus = {
  state: "ready",
  because: undefined,
  sinceMs: 0,
  confirmedAgoMs: 1,
  queued: 0,
  shards: 1,
  server: "r:1",
};
const narrows = (id: Finding["id"], ...tables: readonly string[]): Finding => ({
  id,
  severity: "narrows",
  stops: [],
  says: `${id}.`,
  fix: "",
  sql: [],
  tables,
});

test.each([
  [
    {},
    "hasten: stream: cached answers drop out when their rows change, whoever changes them, within 500 ms.",
  ],
  [
    { findings: [narrows("identity-missing", "a", "b"), narrows("tables-untriggered", "c")] },
    /within 500 ms\. Untracked: a, b \(identity-missing\)\. What to do: npx hasten preflight$/,
  ],
  [
    { promise: "triggers", because: "no wal" },
    /^hasten: triggers: .* within 500 ms\. \(no wal\) What to do: npx hasten preflight$/,
  ],
  [
    { promise: "own-writes", because: "no wal", findings: [narrows("identity-missing", "a")] },
    /time to live\. \(no wal\) What to do/,
  ],
  [{ promise: "own-writes" }, /time to live\.$/],
  [{ findings: [narrows("parser-missing")] }, /^hasten: cached answers live by .* only\. parser-/],
  [{ findings: [narrows("tables-unpublished", ..."abcdefg")] }, /: a, b, c, d, e and 2 more \(/],
  [
    { state: "lost", because: "gone" },
    /not heard of; no cached answer counts as fresh .* \(gone\)$/,
  ],
  [{ state: "connecting", promise: "ttl", because: "down" }, /not reached yet.*\(down\)$/],
  [
    { state: "unavailable", promise: "ttl", because: "no wal" },
    /longer than 500 ms \(no wal\) What to do/,
  ],
] as const)("one line for %o", (status, line) => {
  const text = promiseLine({ ...STATUS, ...status });
  expect(text).toMatch(line);
  expect(text).not.toContain("\n");
});

test("what is told of Redis is a sentence of its own", () => {
  const status = REDIS;
  const line = promiseLine({ ...STATUS, promise: "own-writes", because: "no wal" }, status);
  expect(line).toMatch(/npx hasten preflight\. Redis: shared by the processes \(r:1\)\.$/);
  expect(promiseLine(STATUS, status)).toMatch(/within 500 ms\. Redis: shared/);
  expect(promiseLine({ ...STATUS, state: "lost", because: "gone" }, status)).toMatch(/\(gone\) R/);
});

test("what was told last is how it is, though the part that changed back says nothing", async () => {
  const clock = manualClock();
  const shared = { ...REDIS, state: "ready" as SharedStatus["state"] };
  const now: { status: CoherenceStatus; shared: SharedStatus } = { status: STATUS, shared };
  const said: string[] = [];
  const telling = createTelling(
    () => structuredClone(now),
    (line) => said.push(line),
    clock,
  );
  telling.tell();
  now.status = { ...STATUS, state: "lost" };
  telling.tell();
  now.status = STATUS;
  await clock.advance(1_000);
  expect(said.map((line) => /stream|not heard/.exec(line)?.[0])).toEqual([
    "stream",
    "not heard",
    "stream",
  ]);
  // A moment, and why it lasts, are not told; what lasts is, once.
  shared.state = "connecting";
  telling.tell();
  shared.state = "ready";
  await clock.advance(1_000);
  expect(said).toHaveLength(3);
  shared.state = "lost";
  telling.tell();
  now.shared = { ...shared, because: "another reason" };
  await clock.advance(10_000);
  expect(said).toHaveLength(4);
  telling.stop();
  now.shared = { ...shared, state: "ready" };
  await clock.advance(10_000);
  expect(said).toHaveLength(4);
});

test("databases of one name on two servers do not share a cache", () => {
  expect(nameOf("postgres://u:secret@Db.Example:5432/shop")).toBe("hasten-shop@db.example");
  expect(nameOf("postgres://db.example/shop")).toBe("hasten-shop@db.example");
  expect(nameOf("postgres://staging.example:6432/shop")).toBe("hasten-shop@staging.example:6432");
  expect(nameOf("postgres:///shop")).toBe("hasten-shop");
  expect(nameOf("not a url")).toBe("hasten");
});

test("a missing database and bounds are told before anything is opened", async () => {
  await expect(openParts({ postgres: undefined })).rejects.toThrow("HST_FACADE_OPTION");
  await expect(openParts({ postgres: "" })).rejects.toThrow("environment variable");
  const misplaced = { postgres: "postgres://x/y", autoSetup: true };
  await expect(openParts(misplaced)).rejects.toThrow("coherence: {");
  await expect(openParts({ postgres: "postgres://x/y", drainMs: -1 })).rejects.toThrow("drainMs");
  await expect(openParts({ postgres: "mysql://x/y" })).rejects.toThrow("HST_PG_OPTION");
});

test("a signal stops once; a program that listens itself decides when it ends", async () => {
  const exit = vi.spyOn(process, "exit").mockImplementation(() => undefined as never);
  const stop = vi.fn(async () => undefined);
  const own = (): void => undefined;
  process.on("SIGTERM", own);
  onStopSignal(stop);
  process.emit("SIGTERM", "SIGTERM");
  process.emit("SIGTERM", "SIGTERM");
  await Promise.resolve();
  expect(stop).toHaveBeenCalledTimes(1);
  expect(exit).not.toHaveBeenCalled();
  process.off("SIGTERM", own);
  exit.mockRestore();
});
