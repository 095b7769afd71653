/**
 * How well findings agree with a reviewer: `npx vitest run packages/hasten/test/traces/corpus`.
 * Twice: by the thresholds of tests on the run's server, and by those of development, which have floors
 * in milliseconds, on a server that is 8 ms away.
 */
import { freshDatabase } from "hasten-tools/vitest";
import { expect, test } from "vitest";
import { THRESHOLDS, type Thresholds } from "../../../src/traces/index.ts";
import type { Handlers } from "./handler.ts";
import { openHeldOut } from "./holdout/handlers.ts";
import { type Find, type Verdict, verdictsOf } from "./judge.ts";
import { openAll } from "./libraries.ts";
import { makeTables } from "./schema.ts";
import { differencesOf, scoreOf, tableOf } from "./score.ts";
import { slowLink } from "./slow-link.ts";

const AWAY_MS = 8;

async function corpus(
  thresholds: Thresholds,
  options: { readonly awayMs: number; readonly find?: Find; readonly open?: typeof openAll },
): Promise<readonly Verdict[]> {
  await using fresh = await freshDatabase();
  await makeTables(fresh.url);
  const link = options.awayMs > 0 ? await slowLink(fresh.url, options.awayMs) : undefined;
  const all: readonly Handlers[] = (options.open ?? openAll)(link?.url ?? fresh.url);
  try {
    return await verdictsOf(all, thresholds, options.find);
  } finally {
    await Promise.all(all.map((handlers) => handlers.close()));
    await link?.close();
  }
}

function told(title: string, verdicts: readonly Verdict[]): void {
  const lines = [title, tableOf(verdicts), ...differencesOf(verdicts)];
  process.stdout.write(`${lines.join("\n")}\n`);
}

test("by the thresholds of tests", async () => {
  const verdicts = await corpus(THRESHOLDS.test, { awayMs: 0 });
  told("Thresholds of tests", verdicts);
  expect(scoreOf(verdicts).precision).toBeGreaterThanOrEqual(0.97);
  expect(scoreOf(verdicts).recall).toBeGreaterThanOrEqual(0.95);
  expect(scoreOf(verdicts).place).toBeGreaterThanOrEqual(0.95);
});

test("by the thresholds of development, the server 8 ms away", async () => {
  const verdicts = await corpus(THRESHOLDS.development, { awayMs: AWAY_MS });
  told("Thresholds of development", verdicts);
  expect(scoreOf(verdicts).precision).toBeGreaterThanOrEqual(0.97);
  expect(scoreOf(verdicts).recall).toBeGreaterThanOrEqual(0.95);
  expect(scoreOf(verdicts).place).toBeGreaterThanOrEqual(0.95);
});

test("handlers held out, by both", async () => {
  const near = await corpus(THRESHOLDS.test, { awayMs: 0, open: openHeldOut });
  told("Held out, thresholds of tests", near);
  const far = await corpus(THRESHOLDS.development, { awayMs: AWAY_MS, open: openHeldOut });
  told("Held out, thresholds of development", far);
});
