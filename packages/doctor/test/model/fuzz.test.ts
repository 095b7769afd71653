import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import type { Candidate } from "../../src/candidates/types.ts";
import { readCatalog } from "../../src/catalog/read.ts";
import type { Catalog } from "../../src/catalog/types.ts";
import { openModel } from "../../src/model/open.ts";
import type { Planned, Planner, RawPlan } from "../../src/model/types.ts";
import { openServerPlanner } from "../../src/testing/server-planner.ts";
import { fuzzCandidate, fuzzQuery } from "./fuzz-queries.ts";
import { type FuzzTable, fuzzTables, type Random, randomFrom, TYPES } from "./fuzz-schema.ts";
import { testTarget } from "./test-target.ts";

/**
 * Random schemas, data, states of upkeep, statements and indexes: what the model says, and what the
 * server says of the same. `HASTEN_MODEL_FUZZ=40` runs 40 databases instead of 2,
 * `HASTEN_MODEL_FUZZ_SEED` starts elsewhere; the worst misfits are then printed.
 */
const DATABASES = Number(process.env["HASTEN_MODEL_FUZZ"] ?? 2);
const SEED = Number(process.env["HASTEN_MODEL_FUZZ_SEED"] ?? 20261121);
const LONG = process.env["HASTEN_MODEL_FUZZ"] !== undefined;
const ROWS = LONG ? 40_000 : 16_000;
const QUERIES = 40;
const CANDIDATES = 6;
const SEEN_BY_CALIBRATION = 0.1;

interface Misfit {
  readonly database: string;
  readonly query: string;
  readonly index: string;
  readonly error: number;
  readonly sameNodes: boolean;
  readonly told: string;
}

interface Tally {
  compared: number;
  refused: number;
  readonly misfits: Misfit[];
  /** Statements whose cost of today is so far off that the doctor does not trust the model. */
  readonly seen: Set<string>;
}

function nodesOf(plan: RawPlan): string {
  return [plan["Node Type"], ...(plan.Plans ?? []).map((child) => `(${nodesOf(child)})`)].join(" ");
}

function compare(
  tally: Tally,
  pair: { mine: Planned; truth: Planned },
  of: Pick<Misfit, "database" | "query" | "index">,
): void {
  const { mine, truth } = pair;
  if (mine.kind === "refused" || truth.kind === "refused") {
    tally.refused += 1;
    if (mine.kind !== truth.kind)
      tally.misfits.push({
        ...of,
        error: 9,
        sameNodes: false,
        told: JSON.stringify([mine, truth]).slice(0, 200),
      });
    return;
  }
  tally.compared += 1;
  const off = Math.abs(mine.totalCost - truth.totalCost);
  const error = off <= 1 ? 0 : off / Math.max(1, truth.totalCost);
  const [ours, theirs] = [nodesOf(mine.plan), nodesOf(truth.plan)];
  const sameNodes = ours === theirs;
  const before = `${of.database} ${of.query}`;
  if (of.index === "none" && error > SEEN_BY_CALIBRATION) tally.seen.add(before);
  if (of.index !== "none" && tally.seen.has(before)) return;
  if (error > 0.02 || (!sameNodes && error > 0.01))
    tally.misfits.push({
      ...of,
      error,
      sameNodes,
      told: `${mine.totalCost} for ${truth.totalCost} — ${ours} for ${theirs}`,
    });
}

async function prepare(url: string, tables: readonly FuzzTable[], seed: number): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(`select setseed(${(seed % 1000) / 1000})`);
    // Foreign keys are planned with; rows need not keep to them.
    await client.query("set session_replication_role = replica");
    await client.query(TYPES);
    for (const one of tables.flatMap(({ setup, upkeep }) => [...setup, ...upkeep]))
      await client.query(one);
  } finally {
    await client.end();
  }
}

async function answers(
  planner: Planner,
  add: readonly Candidate[],
  queries: readonly string[],
): Promise<readonly Planned[]> {
  return await planner.whatIf({ add, drop: [] }, async (explain, refused) => {
    const all: Planned[] = [];
    for (const planText of queries) all.push(await explain({ id: planText, planText }));
    for (const one of refused) all.push({ kind: "refused", because: one.because });
    return all;
  });
}

async function fuzz(
  url: string,
  random: Random,
  run: { seed: number; tally: Tally; name: string },
): Promise<void> {
  const tables = fuzzTables(random, ROWS);
  await prepare(url, tables, run.seed);
  await using target = await testTarget(url);
  const catalog: Catalog = await readCatalog(target);
  await using model = await openModel(target, catalog);
  expect(model.missing).toEqual([]);
  await using server = await openServerPlanner({
    url,
    relations: catalog.relations,
    analyze: false,
  });
  const queries = Array.from({ length: QUERIES }, () => fuzzQuery(random, tables));
  const both = async (add: readonly Candidate[], index: string): Promise<void> => {
    const mine = await answers(model, add, queries);
    const truth = await answers(server, add, queries);
    for (const [at, one] of mine.entries()) {
      const other = truth[at] ?? { kind: "refused", because: "no answer" };
      compare(
        run.tally,
        { mine: one, truth: other },
        { database: run.name, query: queries[at] ?? "create index", index },
      );
    }
  };
  await both([], "none");
  for (let at = 0; at < CANDIDATES; at++) {
    const table = random.pick(tables);
    const relation = catalog.relations.find(({ name }) => name === table.name);
    const candidate = fuzzCandidate(random, table, relation?.oid ?? 0);
    if (candidate !== undefined)
      await both(
        [candidate],
        `${table.name} ${candidate.method} ${candidate.keys.map(({ sql, opclass }) => `${sql} ${opclass ?? ""}`)} ${candidate.predicate ?? ""}`,
      );
  }
}

test("random schemas, statements and indexes: the model agrees with the server", async () => {
  const tally: Tally = { compared: 0, refused: 0, misfits: [], seen: new Set() };
  for (let at = 0; at < DATABASES; at++) {
    const seed = SEED + at;
    await using db = await freshDatabase();
    const random = randomFrom(seed);
    const client = new pg.Client(db.url);
    await client.connect();
    const icu = `${db.name}_icu`;
    if (at % 2 === 1)
      await client.query(
        `create database ${icu} locale_provider icu icu_locale 'en-US' template template0`,
      );
    const url = new URL(db.url);
    if (at % 2 === 1) url.pathname = `/${icu}`;
    try {
      await fuzz(url.href, random, { seed, tally, name: `${seed}${at % 2 === 1 ? " icu" : ""}` });
    } finally {
      if (at % 2 === 1) await client.query(`drop database ${icu} with (force)`);
      await client.end();
    }
  }
  const worst = tally.misfits.toSorted((a, b) => b.error - a.error);
  if (LONG) {
    process.stdout.write(
      `${tally.compared} compared, ${tally.refused} refused, ${worst.length} misfits, ${tally.seen.size} seen by calibration\n`,
    );
    for (const one of worst.slice(0, 200)) process.stdout.write(`${JSON.stringify(one)}\n`);
  }
  expect(tally.compared).toBeGreaterThan(100);
  expect(
    tally.misfits.length / tally.compared,
    JSON.stringify(worst.slice(0, 10), null, 1),
  ).toBeLessThan(0.02);
}, 3_600_000);
