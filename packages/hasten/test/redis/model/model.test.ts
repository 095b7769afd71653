/**
 * The protocol of the shared tier, every interleaving of it, with keys vanishing at every step.
 * Mirrors `src/cache/shared/protocol`; what the scripts really do is compared there with the server.
 */
import { describe, expect, test } from "vitest";
import { explore } from "./explore.ts";
import { MUTANTS, type Mutant, NOTHING_WRONG } from "./mutants.ts";
import { EXPOSED_BY, SETTINGS, settingNamed } from "./settings.ts";

const TIMEOUT_MS = 60_000;

describe("no read is served an old value", () => {
  test.each(SETTINGS)("$name", { timeout: TIMEOUT_MS }, (setting) => {
    const explored = explore(setting, NOTHING_WRONG);
    expect(explored.trace).toEqual([]);
    expect(explored.because).toBeUndefined();
    expect(explored.states).toBeGreaterThan(400);
  });
});

describe("each way to be wrong is found", () => {
  test.each(Object.keys(MUTANTS) as Mutant[])("%s", { timeout: TIMEOUT_MS }, (mutant) => {
    const explored = explore(settingNamed(EXPOSED_BY[mutant]), new Set([mutant]));
    expect(explored.because).toMatch(/version|stale/);
    expect(explored.trace.length).toBeGreaterThan(5);
  });
});

test("the rejected draft fails as it did on paper", () => {
  const { trace } = explore(
    settingNamed("tier: delete tag"),
    new Set<Mutant>(["records-without-marks"]),
  );
  expect(trace).toEqual([
    "RENEW: a new epoch",
    "loader 0 (node 0) READs: absent, captures 1/1",
    "loader 0 (node 0) reads version 1 from the source",
    "writer 0 (node 2) commits version 2",
    "writer 0 (node 2): delete tag, acknowledged as 1/2",
    "loader 0 (node 0) FILLs version 1 as 1/1: stored",
  ]);
});
