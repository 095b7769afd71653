/** The short form of `npm run chaos:redis`: real processes, seconds instead of minutes. */
import { expect, test } from "vitest";
import { MUTANT_NAMES } from "./mutants.ts";
import { mutantRun, shortRun } from "./presets.ts";
import { chaosRun } from "./run.ts";

const SEED = 20_260_101;
const TIMEOUT_MS = 180_000;

test("nothing stale is served while everything goes wrong", { timeout: TIMEOUT_MS }, async () => {
  const report = await chaosRun(shortRun(SEED));
  expect(report.examples).toEqual([]);
  expect(report.stale).toBe(0);
  expect(report.error).toBeUndefined();
  expect(report.errors).toBe(0);
  expect(report.died).toBe(0);
  expect(report.reads).toBeGreaterThan(1_000);
  expect(report.tierHits).toBeGreaterThan(100);
  expect(report.loads).toBeLessThan(report.reads);
  expect(Object.keys(report.writes).length).toBeGreaterThan(5);
  expect(Object.keys(report.faults).length).toBeGreaterThan(3);
});

test.each(MUTANT_NAMES)("the mutant %s is found", { timeout: TIMEOUT_MS }, async (mutant) => {
  const report = await chaosRun(mutantRun(mutant, SEED));
  expect(report.stale).toBeGreaterThan(0);
});
