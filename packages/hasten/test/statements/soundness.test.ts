/**
 * Whenever a change alters what a query gives, the tags that the change drops meet the query's.
 *
 * A real database, random queries and random changes; what a change drops is worked out from the old
 * and new rows, as the readers of changes do. Then the same with planted mistakes: each is found.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createStatements,
  type Statements,
} from "../../src/postgres/statements/create-statements.ts";
import type { Interest } from "../../src/postgres/statements/interest.ts";
import { literalsOf } from "../../src/postgres/statements/literals.ts";
import { loadParser, type ParseText } from "../../src/postgres/statements/parser.ts";
import { MUTANTS, mistaken } from "./mutants.ts";
import { type Emphasis, type Query, query } from "./queries.ts";
import { type Random, random } from "./random.ts";
import { droppedBy, openWorld, type RowChange, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

interface Watched extends Query {
  readonly tags: readonly string[];
  result: string;
}

interface Tally {
  readonly stale: string[];
  changed: number;
  unchanged: number;
  /** Answers that a change left alone, rightly. */
  kept: number;
  refused: number;
}

const RUN_SEED = Number(process.env["SOUNDNESS_SEED"] ?? 20_261);
const ROUNDS = Number(process.env["SOUNDNESS_ROUNDS"] ?? 3);

function statementsWith(parser: () => Promise<ParseText>): Statements {
  return createStatements({
    run: async (text, values) => (await world.client.query(text, values as unknown[])).rows,
    database: "db",
    coverage: { kind: "publication", name: "everything" },
    parser,
  });
}

async function answer({ text, values }: Query): Promise<string | undefined> {
  try {
    const { rows } = await world.client.query({ text, values, rowMode: "array" });
    return JSON.stringify(rows.map((row) => JSON.stringify(row)).sort());
  } catch (error) {
    // A FULL JOIN that cannot be hashed, a recursion in the wrong place.
    if (["0A000", "42P19"].includes((error as { code?: string }).code ?? "")) return undefined;
    throw new Error(`${text} ${JSON.stringify(values)}: ${String(error)}`);
  }
}

/** The text with other literals. */
function sibling(text: string): string {
  const { starts = [], values = [] } = literalsOf(text) ?? {};
  let other = text;
  for (let at = starts.length - 1; at >= 0; at--) {
    const start = starts[at]!;
    const isString = text[start] === "'";
    const length = isString ? values[at]!.replaceAll("'", "''").length + 2 : values[at]!.length;
    other = `${other.slice(0, start)}${isString ? "'zz'" : "77"}${other.slice(start + length)}`;
  }
  return other;
}

async function watch(statements: Statements, it: Query): Promise<Watched | "unusable" | undefined> {
  const session = { searchPath: "public", role: world.role };
  // Another text of the same shape first: most analyses come from one of another text.
  await statements.analyzer.analyse(sibling(it.text), session);
  const analysis =
    statements.analyzer.peek(it.text, session) ??
    (await statements.analyzer.analyse(it.text, session));
  if (analysis.kind !== "read") return undefined;
  const result = await answer(it);
  return result === undefined ? "unusable" : { ...it, tags: analysis.tagsOf(it.values), result };
}

interface Run {
  readonly statements: Statements;
  readonly rng: Random;
  readonly queries: number;
  readonly changes: number;
  /** What the reader of changes is told. */
  readonly told?: (changes: readonly RowChange[], interest: Interest) => Set<string>;
  readonly enough?: number;
  readonly emphasis?: Emphasis | undefined;
}

async function run({
  statements,
  rng,
  queries,
  changes,
  told,
  enough,
  emphasis,
}: Run): Promise<Tally> {
  const tally: Tally = { stale: [], changed: 0, unchanged: 0, kept: 0, refused: 0 };
  const watched: Watched[] = [];
  while (watched.length < queries) {
    const it = await watch(statements, query(rng, emphasis));
    if (it === "unusable") continue;
    if (it === undefined) tally.refused += 1;
    else watched.push(it);
    if (tally.refused > queries) throw new Error("most queries are refused");
  }
  for (let left = changes; left > 0; left--) {
    const rows = await world.change(rng);
    const dropped = (told ?? droppedBy)(rows, statements.interest);
    for (const it of watched) {
      const result = (await answer(it))!;
      const met = it.tags.some((tag) => dropped.has(tag));
      if (result === it.result) {
        tally.unchanged += 1;
        if (!met && rows.length > 0) tally.kept += 1;
      } else {
        tally.changed += 1;
        if (!met)
          tally.stale.push(`${it.text} ${JSON.stringify(it.values)}\n${it.tags}\n${[...dropped]}`);
      }
      it.result = result;
    }
    if (tally.stale.length >= (enough ?? Number.POSITIVE_INFINITY)) break;
  }
  return tally;
}

describe("whatever changes the answer of a query drops it", () => {
  test.each(Array.from({ length: ROUNDS }, (_, at) => RUN_SEED + at))(
    "seed %i",
    async (seed) => {
      const statements = statementsWith(loadParser);
      const tally = await run({ statements, rng: random(seed), queries: 50, changes: 50 });
      if (process.env["SOUNDNESS_SHOW"] !== undefined)
        process.stderr.write(`${JSON.stringify({ ...tally })}\n`);
      expect(tally.stale).toEqual([]);
      expect(tally.refused).toBe(0);
      expect(tally.changed).toBeGreaterThan(20);
      // And not by dropping everything.
      expect(tally.kept).toBeGreaterThan(tally.unchanged / 4);
    },
    60_000,
  );
});

async function findsMistake(
  statements: () => Promise<Statements>,
  { told, emphasis }: { told?: NonNullable<Run["told"]>; emphasis?: Emphasis | undefined },
): Promise<number> {
  for (let seed = 1; seed <= 40; seed++) {
    const settings = { rng: random(seed * 7_919), queries: 30, changes: 20, enough: 1, emphasis };
    const tally = await run({ statements: await statements(), ...settings, ...(told && { told }) });
    if (tally.stale.length > 0) return tally.stale.length;
  }
  return 0;
}

/** Where a mistake shows: the rest of the queries would only take time. */
const EMPHASES: Readonly<Record<string, Emphasis>> = {
  "a WITH query sees itself": "with",
  "WITH queries are not read": "with",
  "any comparison is an equality": "flat",
  "NOT is not seen": "flat",
  "OR is taken for AND": "flat",
};

describe("a planted mistake is found", () => {
  test.each(Object.keys(MUTANTS))(
    "%s",
    async (name) => {
      const parse = await loadParser();
      const found = await findsMistake(
        async () => statementsWith(async () => mistaken(parse, name)),
        { emphasis: EMPHASES[name] },
      );
      expect(found).toBeGreaterThan(0);
    },
    120_000,
  );

  const TOLD: Readonly<Record<string, NonNullable<Run["told"]>>> = {
    "only new rows are told": (changes, interest) =>
      droppedBy(
        changes.map((it) => ({ ...it, old: it.new === null ? it.old : null })),
        interest,
      ),
    "only old rows are told": (changes, interest) =>
      droppedBy(
        changes.map((it) => ({ ...it, new: it.old === null ? it.new : null })),
        interest,
      ),
    "cascades and triggers are not told": (changes, interest) =>
      droppedBy(changes.slice(0, 1), interest),
    "partitions are not mapped to their roots": (changes, interest) =>
      droppedBy(changes, {
        of: (oid) =>
          interest
            .of(oid)
            ?.filter(({ columns }) => !columns.has("region"))
            .slice(-1),
      }),
  };
  test.each(Object.entries(TOLD))(
    "%s",
    async (_, told) => {
      expect(
        await findsMistake(async () => statementsWith(loadParser), { told, emphasis: "flat" }),
      ).toBeGreaterThan(0);
    },
    120_000,
  );
});
