/**
 * Dexter's and PgHero's own cases: the same answer, or one that is cheaper by real cost. The table in
 * docs/index-advice.md is what this prints: `WRITE_PEERS=1` writes it anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { freshDatabase } from "hasten-tools/vitest";
import { expect, test } from "vitest";
import type { Candidate } from "../../src/candidates/types.ts";
import { relationNamed } from "../../src/testing/catalog.ts";
import { workloadOf } from "../../src/testing/workload.ts";
import { CASES, DEXTER_SETUP, expectedOf, type PeerCase, PGHERO_SETUP } from "./peers-cases.ts";
import { briefOf, creates, openScene, type Scene } from "./scene.ts";

const PAGE = new URL("../../../../docs/index-advice.md", import.meta.url);
const BEGIN = "<!-- peers: begin -->";
const END = "<!-- peers: end -->";

interface Row {
  readonly peer: string;
  readonly text: string;
  readonly theirs: string;
  readonly ours: string;
  readonly verdict: string;
}

test("same as theirs or cheaper, and the docs say so", { timeout: 240_000 }, async () => {
  const rows: Row[] = [];
  for (const [peer, setup] of [
    ["Dexter", DEXTER_SETUP],
    ["PgHero", PGHERO_SETUP],
  ] as const) {
    await using db = await freshDatabase();
    await using scene = await openScene(db.url, [setup]);
    for (const each of CASES.filter((it) => it.peer === peer))
      rows.push(await compare(each, scene));
  }
  const table = [
    "| Test of | Statement | Their index | Ours | By real cost |",
    "| --- | --- | --- | --- | --- |",
    ...rows.map(
      (row) => `| ${row.peer} | \`${row.text}\` | ${row.theirs} | ${row.ours} | ${row.verdict} |`,
    ),
  ].join("\n");
  const page = readFileSync(PAGE, "utf8");
  const [before = "", rest = ""] = page.split(BEGIN);
  const [inside = "", after = ""] = rest.split(END);
  if (process.env["WRITE_PEERS"] !== undefined)
    writeFileSync(PAGE, `${before}${BEGIN}\n\n${table}\n\n${END}${after}`);
  expect(rows.filter(({ verdict }) => verdict.startsWith("worse"))).toEqual([]);
  if (process.env["WRITE_PEERS"] === undefined) expect(inside.trim()).toBe(table);
});

async function compare(each: PeerCase, scene: Scene): Promise<Row> {
  const file = { source: "file", window: { kind: "file" } } as const;
  const made = creates(await scene.advise(workloadOf([each.text], file)));
  const table = each.table ?? (each.peer === "Dexter" ? "posts" : "users");
  const theirs = expectedOf(each, relationNamed(scene.catalog, table).oid);
  const ours = made.map(({ candidate }) => candidate);
  return {
    peer: each.peer,
    text: each.text.replaceAll("|", "\\|"),
    theirs:
      each.expected.length === 0
        ? "none"
        : `(${each.expected.join(", ")})${each.trigram ? " gin_trgm_ops" : ""}`,
    ours:
      made.length === 0
        ? "none"
        : made
            .map((one) => briefOf(one).replace(/^[\w."]+ /, ""))
            .sort()
            .join(", "),
    verdict: await verdictOf(each.text, theirs, ours, scene),
  };
}

/** Two costs this near are the same: estimates of rows differ between runs of ANALYZE. */
const SAME = 1.03;

async function verdictOf(
  text: string,
  theirs: readonly Candidate[],
  ours: readonly Candidate[],
  scene: Scene,
): Promise<string> {
  if (theirs.length === 0 && ours.length === 0) return "same";
  const cost = (add: readonly Candidate[]): Promise<number> =>
    scene.real.whatIf({ add, drop: [] }, async (explain) => {
      const planned = await explain({ id: "peer", planText: text });
      return planned.kind === "planned" ? planned.totalCost : Number.NaN;
    });
  const [bare, their, our] = [await cost([]), await cost(theirs), await cost(ours)];
  if (ours.length === 0)
    return their * SAME + 1 >= bare
      ? "same: theirs gains nothing"
      : bare - their < 10
        ? "same: theirs gains less than 10 units"
        : `worse: ${bare} to ${their}`;
  if (our > their * SAME + 1) return `worse: ${our} instead of ${their}`;
  if (our * SAME + 1 < their) return "cheaper";
  return "same";
}
