import { expect, test } from "vitest";
import { loadParser } from "../parse/parse.ts";
import { columnsCandidate } from "../testing/candidate.ts";
import { catalogOf, relationNamed, type TableSpec } from "../testing/catalog.ts";
import { workloadOf } from "../testing/workload.ts";
import { budgetOf, upkeepOf, writeLoads } from "./upkeep.ts";
import { writtenBy } from "./written.ts";

const parser = await loadParser();
const HOUR_MS = 3_600_000;
const COLUMNS = { id: "int4", a: "int4", b: "int4", t: { type: "text", widthBytes: 100 } };

function load(
  activity: TableSpec["activity"],
  texts: readonly string[] = ["select 1 from t where a = $1"],
) {
  const catalog = catalogOf(
    { t: { columns: COLUMNS, primary: "id", activity: activity ?? {} } },
    { countersMs: HOUR_MS },
  );
  const relation = relationNamed(catalog, "t");
  const loads = writeLoads(workloadOf(texts), catalog, parser);
  const it = loads.get(relation.oid);
  if (it === undefined) throw new Error("no load");
  return { catalog, relation, load: it };
}

function upkeep(
  keys: readonly string[],
  activity: TableSpec["activity"],
  texts?: readonly string[],
) {
  const { relation, load: it } = load(activity, texts);
  const size = { pages: 300, rows: relation.rows, bytes: 300 * 8192 };
  return upkeepOf(columnsCandidate(relation.oid, keys), relation, size, it);
}

test("entry bytes by row bytes, as pganalyze publishes it", () => {
  const { relation, load: it } = load({ inserted: 100 });
  const bare = { ...relation, indexes: [] };
  const size = { pages: 300, rows: relation.rows, bytes: 300 * 8192 };
  const one = upkeepOf(columnsCandidate(relation.oid, ["a"]), bare, size, it);
  expect(one.writeShare).toBeCloseTo((8 + 8) / (27 + 8 * 3 + 100), 10);
});

test("ten times the writes cost about ten times as much", () => {
  const few = upkeep(["a"], { inserted: 10_000 }).upkeep;
  const many = upkeep(["a"], { inserted: 100_000 }).upkeep;
  const none = upkeep(["a"], {}).upkeep;
  expect(none).toBeLessThan(few);
  expect((many - none) / (few - none)).toBeGreaterThan(9);
});

test("wider costs more", () => {
  expect(upkeep(["t"], { inserted: 100 }).writeShare).toBeGreaterThan(
    upkeep(["a"], { inserted: 100 }).writeShare,
  );
});

test("HOT updates do not reach an index, unless it holds a column that they set", () => {
  const hot = { updated: 1_000, hotUpdated: 1_000 };
  const update = ["update t set b = $1 where id = $2"];
  expect(upkeep(["a"], hot, update)).toMatchObject({ losesHot: false, writeShare: 0 });
  const loses = upkeep(["b"], hot, update);
  expect(loses.losesHot).toBe(true);
  expect(loses.writeShare).toBeGreaterThan(upkeep(["a"], { updated: 1_000 }, update).writeShare);
  expect(upkeep(["a"], hot, ["select 1"]).losesHot).toBe(false);
});

test("tables are classed by writes and scans a minute, budgets follow", () => {
  const class_ = (activity: TableSpec["activity"]): string => load(activity).load.kind;
  expect(class_({})).toBe("quiet");
  expect(class_({ inserted: 61 * 60 })).toBe("write-heavy");
  expect(class_({ indexScans: 1_001 * 60 })).toBe("read-heavy");
  expect(class_({ indexScans: 1_001 * 60, inserted: 61 * 60 })).toBe("balanced");
  expect(budgetOf(load({ inserted: 61 * 60 }).load)).toBe(0.5);
  expect(budgetOf(load({ indexScans: 61_000 }).load)).toBe(2);
});

test("what a statement writes is found wherever it stands", () => {
  const catalog = catalogOf({ t: { columns: COLUMNS }, "other.u": { columns: COLUMNS } });
  const written = (text: string) => {
    const [statement] = workloadOf([text]).statements;
    return statement === undefined
      ? []
      : writtenBy(statement, catalog, parser).map(({ relation, updates }) => [
          catalog.relations.find(({ oid }) => oid === relation)?.name,
          ...updates,
        ]);
  };
  expect(written("update t set a = 1, b = 2")).toEqual([["t", "a", "b"]]);
  expect(written("update only other.u x set (a, b) = (select 1, 2)")).toEqual([["u", "a", "b"]]);
  expect(written("delete from t")).toEqual([["t"]]);
  expect(written("insert into t (a) values (1) on conflict (id) do update set b = 2")).toEqual([
    ["t", "b"],
  ]);
  expect(
    written("with d as (delete from t returning *) insert into other.u select * from d"),
  ).toEqual(expect.arrayContaining([["t"], ["u"]]));
  expect(
    written(
      "merge into t using other.u on true when matched then update set a = 1 when not matched then insert (b) values (1)",
    ),
  ).toEqual([["t", "a"]]);
  expect(written("select * from t for update")).toEqual([]);
  expect(written("not sql")).toEqual([]);
});
