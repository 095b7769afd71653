import { expect, test } from "vitest";
import { DEATHS_MAX, DEATHS_WINDOW_MS, restartAfter } from "../../src/processes/restart.ts";
import { judgeTarget, type System } from "../../src/storage/system.ts";

test("a dead worker is replaced later and later, and not for ever", () => {
  const delays = Array.from({ length: DEATHS_MAX }, (_, deaths) =>
    restartAfter(Array<number>(deaths + 1).fill(0), 0),
  );
  expect(delays.map((it) => (it.kind === "restart" ? it.delayMs : it.kind))).toEqual([
    100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000,
  ]);
  expect(restartAfter(Array<number>(DEATHS_MAX + 1).fill(0), 0)).toEqual({ kind: "give up" });
});

test("deaths long ago do not count", () => {
  const old = Array<number>(DEATHS_MAX).fill(0);
  const nowMs = DEATHS_WINDOW_MS + 1;
  expect(restartAfter([...old, nowMs], nowMs)).toEqual({ kind: "restart", delayMs: 100 });
});

const system = (id: string, epoch: number, state: System["state"] = "live"): System => ({
  id,
  epoch,
  state,
});

test.each([
  ["an empty database", undefined, 0, 0, "free"],
  ["a database with tables of somebody else's", undefined, 3, 0, "taken"],
  ["this system's earlier state", system("a", 1), 7, 9, "earlier copy"],
  [
    "a copy of this system that was never gone on with",
    system("a", 3, "copy"),
    7,
    9,
    "earlier copy",
  ],
  ["this system's later state", system("a", 3), 7, 9, "taken"],
  ["another installation without rows", system("b", 1), 7, 0, "free"],
  ["another installation with rows", system("b", 1), 7, 1, "taken"],
] as const)("%s as a target", (...[, target, relations, rows, kind]) => {
  expect(judgeTarget(system("a", 2), { system: target, relations, rows }).kind).toBe(kind);
});
