/**
 * How well findings agree with a reviewer: `npx vitest run packages/hasten/test/traces/corpus`.
 * Twice: by the thresholds of tests on the run's server, and by those of development, which have floors
 * in milliseconds, on a server that is 8 ms away.
 */
import { freshDatabase } from "hasten-tools/vitest";
import { beforeAll, describe, expect, test } from "vitest";
import { findIn, type QueryLog, THRESHOLDS } from "../../../src/traces/index.ts";
import { openHeldOut } from "./holdout/handlers.ts";
import { type Find, judge, type Ran, run, type Verdict } from "./judge.ts";
import { openAll } from "./libraries.ts";
import { withMistake } from "./mutant.ts";
import { makeTables } from "./schema.ts";
import { differencesOf, type Score, scoreOf, tableOf } from "./score.ts";
import { slowLink } from "./slow-link.ts";

const AWAY_MS = 8;

interface RanAll {
  readonly open: readonly Ran[];
  readonly heldOut: readonly Ran[];
}

async function ranAll(awayMs: number): Promise<RanAll> {
  await using fresh = await freshDatabase();
  await makeTables(fresh.url);
  const link = awayMs > 0 ? await slowLink(fresh.url, awayMs) : undefined;
  const ranOf = async (open: typeof openAll): Promise<readonly Ran[]> => {
    const all = open(link?.url ?? fresh.url);
    try {
      return await run(all);
    } finally {
      await Promise.all(all.map((handlers) => handlers.close()));
    }
  };
  try {
    // In turn: Sequelize's models belong to the connection that was opened last.
    return { open: await ranOf(openAll), heldOut: await ranOf(openHeldOut) };
  } finally {
    await link?.close();
  }
}

function told(title: string, verdicts: readonly Verdict[]): Score {
  const lines = [title, tableOf(verdicts), ...differencesOf(verdicts)];
  process.stdout.write(`${lines.join("\n")}\n`);
  return scoreOf(verdicts);
}

/** What the project has promised. */
const passes = ({ precision, recall, place }: Score): boolean =>
  precision >= 0.97 && recall >= 0.95 && place >= 0.95;

let near: RanAll;
let far: RanAll;
beforeAll(async () => {
  near = await ranAll(0);
  far = await ranAll(AWAY_MS);
});

test("there are enough handlers of each library, right and wrong", () => {
  const all = [...near.open, ...near.heldOut];
  for (const library of ["pg", "Drizzle", "Kysely", "Sequelize", "Knex"])
    expect(near.open.filter((one) => one.library === library).length).toBeGreaterThanOrEqual(14);
  expect(all.filter(({ handler }) => handler.problems.length > 0).length).toBeGreaterThan(60);
  expect(all.filter(({ handler }) => handler.problems.length === 0).length).toBeGreaterThan(60);
});

describe.each(["test", "development"] as const)("by the thresholds of %s", (environment) => {
  const ran = () => (environment === "test" ? near : far);

  test("findings are those of a reviewer, in the right place", () => {
    const thresholds = THRESHOLDS[environment];
    const open = told(`Thresholds of ${environment}`, judge(ran().open, thresholds));
    const heldOut = told(`Held out, ${environment}`, judge(ran().heldOut, thresholds));
    const all = scoreOf(judge([...ran().open, ...ran().heldOut], thresholds));
    expect([open, all].filter((score) => !passes(score))).toEqual([]);
    expect(heldOut.precision).toBeGreaterThanOrEqual(0.97);
    expect(heldOut.recall).toBeGreaterThanOrEqual(0.95);
  });
});

const withoutSites: Find = (log, thresholds, context) => {
  const records = log.records.map((record) => ({ ...record, site: undefined }));
  return findIn(
    Object.create(log, { records: { value: records } }) as QueryLog,
    thresholds,
    context,
  );
};

const MISTAKES: Readonly<Record<string, () => Promise<Find> | Find>> = {
  "lines are lost": () => withoutSites,
  "side by side is not counted": () =>
    withMistake({
      file: "rules/n-plus-one.ts",
      from: "if (records.length < repeatsMin) return false;",
      to: "if (records.length < repeatsMin || !isOneByOne(records)) return false;",
    }),
  "transactions are not looked into": () =>
    withMistake({
      file: "facts.ts",
      from: 'if (record.outcome === "failed") continue;',
      to: 'if (record.outcome === "failed" || record.transaction > 0) continue;',
    }),
  "duplicates are not looked for": () =>
    withMistake({
      file: "rules/rules.ts",
      from: "[nPlusOne, duplicate, serial,",
      to: "[nPlusOne, serial,",
    }),
  "what is no N+1 is told": () =>
    withMistake({ file: "rules/n-plus-one.ts", from: "return !(", to: "return true || (" }),
};

test.each(Object.entries(MISTAKES))("noticed: %s", async (_name, mistake) => {
  const find = await mistake();
  const score = scoreOf(judge([...near.open, ...near.heldOut], THRESHOLDS.test, find));
  expect(passes(score)).toBe(false);
});
