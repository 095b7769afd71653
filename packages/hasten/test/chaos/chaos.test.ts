/** The short form of `npm run chaos`: real processes, seconds instead of minutes. */
import { expect, test } from "vitest";
import { MUTANTS } from "./mutants.ts";
import { mutantRun, shortRun } from "./presets.ts";
import { chaosRun } from "./run.ts";

const SEED = 20_260_101;
const TEST_MS = 120_000;

test("nothing stale is served by three processes while everything goes wrong", {
  timeout: TEST_MS,
}, async () => {
  const report = await chaosRun(shortRun(SEED));
  expect(report.examples).toEqual([]);
  expect(report.stale).toBe(0);
  expect(report.staleUntracked).toBe(0);
  expect(report.reads).toBeGreaterThan(500);
  expect(report.tally.hits).toBeGreaterThan(100);
  expect(report.writes.foreign).toBeGreaterThan(20);
  expect(report.writes.byApi).toBeGreaterThan(10);
  expect(Object.keys(report.faults).length).toBeGreaterThan(3);
});

test.each(MUTANTS)("the mutant %s is found", { timeout: TEST_MS }, async (mutant) => {
  const report = await chaosRun(mutantRun(mutant, SEED));
  expect(report.stale).toBeGreaterThan(0);
});
