import { expect, test } from "vitest";
import { catalogOf } from "../testing/catalog.ts";
import { dropAdvice, droppable } from "./drop.ts";

const DAY_MS = 86_400_000;
const LARGE = { bytes: 50_000_000 };
const NOTHING = { used: new Set<string>(), replaced: new Set<number>() };

function found(indexes: readonly object[], countersMs: number | "unknown" = 20 * DAY_MS) {
  const catalog = catalogOf(
    {
      users: { columns: { id: "int4" }, primary: "id" },
      t: {
        columns: { a: "int4", b: "int4", user_id: "int4" },
        references: { user_id: "users" },
        indexes: indexes.map((index, at) => ({ keys: "a", name: `i${at}`, ...LARGE, ...index })),
      },
    },
    { countersMs: countersMs === "unknown" ? undefined : countersMs },
  );
  const all = droppable({ catalog, ...NOTHING });
  return dropAdvice(all, { catalog, ...NOTHING, verified: new Map() })
    .filter(({ table }) => table === "public.t")
    .map(({ index, because }) => `${index} ${because}`);
}

test("an index that nothing reads goes, with evidence, only when it was counted for 14 days", () => {
  expect(found([{ keys: "a" }])).toEqual(["i0 unused"]);
  expect(found([{ keys: "a", scans: 1 }])).toEqual([]);
  expect(found([{ keys: "a" }], 13 * DAY_MS)).toEqual([]);
  expect(found([{ keys: "a" }], "unknown")).toEqual([]);
  expect(found([{ keys: "a", bytes: 8192 }])).toEqual([]);
});

test.each([
  { unique: true },
  { primary: true },
  { exclusion: true },
  { constraint: "c" },
  { replicaIdentity: true },
  { keys: "user_id" },
  { keys: "user_id, b" },
  { valid: false },
  { parent: 7 },
])("%o is left alone", (facts) => {
  expect(found([facts])).toEqual([]);
});

test("of two doubles the one that is bound stays, else the one that is read more", () => {
  expect(found([{ constraint: "c", unique: true, scans: 0 }, { scans: 9 }])).toEqual([
    "i1 duplicate",
  ]);
  expect(found([{ scans: 5 }, { scans: 9 }])).toEqual(["i0 duplicate"]);
  expect(found([{ scans: 5 }, { scans: 9 }, { scans: 7 }])).toEqual([
    "i0 duplicate",
    "i2 duplicate",
  ]);
  expect(found([{ scans: 5 }, { scans: 9, predicate: "(a > 1)" }])).toEqual([]);
  expect(found([{ scans: 5 }, { scans: 9, method: "hash" }])).toEqual([]);
  expect(found([{ scans: 5 }, { keys: "a desc", scans: 9 }])).toEqual([]);
});

test("a prefix of another goes, not the other way round, and not when it is unique", () => {
  expect(found([{ scans: 5 }, { keys: "a, b", scans: 9 }])).toEqual(["i0 prefix"]);
  expect(
    found([
      { scans: 5, unique: true },
      { keys: "a, b", scans: 9 },
    ]),
  ).toEqual([]);
  expect(
    found([
      { keys: "b", scans: 5 },
      { keys: "a, b", scans: 9 },
    ]),
  ).toEqual([]);
});

test("young counters do not stand in the way of doubles", () => {
  expect(found([{ scans: 5 }, { scans: 9 }], DAY_MS)).toEqual(["i0 duplicate"]);
});
