/** The short form of `npm run chaos`: real processes, seconds instead of minutes. */
import { expect, test } from "vitest";
import { MUTANTS } from "./mutants.ts";
import { POOLER_MUTANTS, REPLICA_MUTANTS } from "./placed-mutants.ts";
import { mutantRun, shortRun } from "./presets.ts";
import { chaosRun, chaosRunOn } from "./run.ts";
import { startServer } from "./server.ts";
import { SHARED_MUTANTS } from "./shared-mutants.ts";

const EVERY_MUTANT = [...MUTANTS, ...SHARED_MUTANTS, ...POOLER_MUTANTS, ...REPLICA_MUTANTS];
const SEED = 20_260_101;
const TIMEOUT_MS = 180_000;
const MUTANTS_TIMEOUT_MS = 480_000;

test("nothing stale is served while everything goes wrong", { timeout: TIMEOUT_MS }, async () => {
  const report = await chaosRun(shortRun(SEED));
  expect(report.examples).toEqual([]);
  expect(report.stale).toBe(0);
  expect(report.staleUntracked).toBe(0);
  expect(report.died).toBe(0);
  expect(report.reads).toBeGreaterThan(500);
  expect(report.tally.hits).toBeGreaterThan(100);
  expect(report.writes.foreign).toBeGreaterThan(20);
  expect(report.writes.byApi).toBeGreaterThan(10);
  expect(Object.keys(report.faults).length).toBeGreaterThan(3);
});

test("nothing stale while processes share a Redis and one leader", {
  timeout: TIMEOUT_MS,
}, async () => {
  const report = await chaosRun(shortRun(SEED, "redis"));
  expect(report.examples).toEqual([]);
  expect(report.stale).toBe(0);
  expect(report.staleUntracked).toBe(0);
  expect(report.died).toBe(0);
  expect(report.reads).toBeGreaterThan(500);
  expect(report.tally.hits).toBeGreaterThan(100);
  expect(Object.keys(report.faults).length).toBeGreaterThan(3);
});

test("nothing stale behind a pooler that hostile clients use as well", {
  timeout: TIMEOUT_MS,
}, async () => {
  const report = await chaosRun(shortRun(SEED, "pooler"));
  expect(report.examples).toEqual([]);
  expect(report.stale).toBe(0);
  expect(report.staleUntracked).toBe(0);
  expect(report.died).toBe(0);
  expect(report.reads).toBeGreaterThan(500);
  expect(report.tally.hits).toBeGreaterThan(50);
  // The hostile clients did what they are there for.
  expect(report.tally.strange).toBeGreaterThan(10);
  expect(Object.keys(report.faults).length).toBeGreaterThan(3);
});

test("nothing stale where reads go to a replica that falls behind and is lost", {
  timeout: TIMEOUT_MS,
}, async () => {
  const report = await chaosRun(shortRun(SEED, "replica"));
  expect(report.examples).toEqual([]);
  expect(report.stale).toBe(0);
  expect(report.staleUntracked).toBe(0);
  expect(report.died).toBe(0);
  expect(report.reads).toBeGreaterThan(500);
  expect(report.tally.hits).toBeGreaterThan(50);
  expect(report.replicaReads).toBeGreaterThan(0);
  expect(Object.keys(report.faults).length).toBeGreaterThan(2);
});

test("each way to be wrong is found", { timeout: MUTANTS_TIMEOUT_MS }, async () => {
  await using server = await startServer();
  const found: string[] = [];
  for (const mutant of EVERY_MUTANT) {
    const report = await chaosRunOn(await server.freshDatabase(), mutantRun(mutant, SEED));
    if (report.stale > 0) found.push(mutant);
  }
  expect(found).toEqual(EVERY_MUTANT);
});
