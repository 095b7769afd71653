import { coveringIdeas } from "./covering.ts";
import { type BtreeParts, btree, type Idea, keyOf, orderKeys } from "./idea.ts";
import { partialIdeas } from "./partial.ts";
import { type Shape, shapeOf } from "./shape.ts";
import { specialIdeas } from "./special-ideas.ts";
import { byShare, type Table } from "./table.ts";
import { type CandidateKey, type CandidateReason, KEYS_MAX, type Scan } from "./types.ts";

/** Every index that this scan could use, the most promising first. */
export function ideasFor(scan: Scan, table: Table): readonly Idea[] {
  const shape = shapeOf(scan, table);
  // A row found by its key is found as fast as can be.
  if (foundByKey(shape, table)) return [];
  const partial = partialIdeas(scan, shape, table);
  const plain = [
    ...orderIdeas(shape),
    ...rangeIdeas(shape),
    ...joinIdeas(shape, table),
    ...equalityIdeas(shape),
    ...groupIdeas(shape),
    ...prefixIdeas(shape, table),
  ]
    .flatMap((parts) => btree(parts) ?? [])
    .filter((idea) => !holdsFlag(idea, shape, partial));
  const main = plain.filter((idea) => idea.promise === 1).slice(0, 2);
  return [
    ...plain,
    ...partial,
    ...coveringIdeas(scan, main, table),
    ...specialIdeas(scan, table),
  ].filter((idea) => !isPastKey(idea, table));
}

/** An index of only the rows with a flag does without the key that the flag would be. */
function holdsFlag({ keys }: Idea, { weak }: Shape, partial: readonly Idea[]): boolean {
  const flags = keys.filter(({ sql }) => weak.has(sql));
  const rest = keys.filter(({ sql }) => !weak.has(sql));
  if (flags.length === 0 || rest.length === 0) return false;
  return partial.some(
    (idea) =>
      flags.some(({ sql }) => idea.predicate?.includes(sql) === true) &&
      rest.every(({ sql }) => idea.keys.some((key) => key.sql === sql)),
  );
}

/** Behind the columns of a unique index there is one row: nothing more can be sought or ordered. */
function isPastKey({ method, keys, predicate }: Idea, { relation }: Table): boolean {
  if (method !== "btree" || predicate !== undefined) return false;
  return relation.indexes.some((index) => {
    const leading = new Set(keys.slice(0, index.keys.length).map((key) => key.column));
    return (
      index.unique &&
      index.valid &&
      index.predicate === undefined &&
      index.keys.length <= keys.length &&
      index.keys.every((key) => key.column !== undefined && leading.has(key.column))
    );
  });
}

function foundByKey({ single }: Shape, { relation }: Table): boolean {
  const sought = new Set(single.flatMap((term) => term.column ?? []));
  return relation.indexes.some(
    (index) =>
      index.unique &&
      index.valid &&
      index.predicate === undefined &&
      index.keys.every((key) => key.column !== undefined && sought.has(key.column)),
  );
}

function equalityIdeas({ equal, weak }: Shape): readonly BtreeParts[] {
  const facts = { reasons: ["equality"], sought: "equality" } as const;
  const keys = (terms: Shape["equal"]): readonly CandidateKey[] => terms.map((term) => keyOf(term));
  const strong = equal.filter((term) => !weak.has(term.sql));
  const alone = equal.map((term) => ({
    ...facts,
    keys: keys([term]),
    promise: weak.has(term.sql) ? 0.4 : 0.8,
  }));
  return [
    { ...facts, keys: keys(equal), promise: 1 },
    { ...facts, keys: keys(strong), promise: 0.9 },
    ...alone,
  ];
}

/** Equality, then the order: rows come out sorted, and a LIMIT stops early. */
function orderIdeas(shape: Shape): readonly BtreeParts[] {
  const { single, many, order, limited, joins, ranges, weak } = shape;
  const items = orderKeys(order);
  if (items.length === 0) return [];
  const before = (terms: readonly CandidateKey[]): readonly CandidateKey[] => [
    ...terms.slice(0, KEYS_MAX - Math.min(items.length, 2)),
    ...items,
  ];
  const sought = "order" as const;
  const reasons: readonly CandidateReason[] = ["equality", "order"];
  const equal = single.map((term) => keyOf(term));
  const parts: BtreeParts[] = [];
  const fixed = equal.length;
  if (fixed > 0) parts.push({ reasons, sought, fixed, keys: before(equal), promise: 1 });
  // Without the flags, other statements can share it.
  const strong = single.filter((term) => !weak.has(term.sql)).map((term) => keyOf(term));
  if (strong.length > 0 && strong.length < equal.length)
    parts.push({ reasons, sought, fixed: strong.length, keys: before(strong), promise: 0.95 });
  const alone = limited || equal.length === 0;
  if (alone)
    parts.push({
      reasons: ["order"],
      sought,
      keys: items,
      promise: equal.length > 0 ? 0.6 : limited ? 1 : 0.4,
    });
  for (const { terms } of joins)
    parts.push({
      reasons: ["join", "order"],
      sought,
      keys: before([...terms.map((term) => keyOf(term)), ...equal]),
      promise: limited ? 0.9 : 0.5,
    });
  // Read in order, with what remains tested in the index.
  const tested = [...many, ...ranges].map((term) => keyOf(term));
  if (limited && tested.length > 0)
    parts.push({ reasons, sought, keys: [...before(equal), ...tested], promise: 0.5 });
  return parts;
}

function rangeIdeas({ equal, ranges }: Shape): readonly BtreeParts[] {
  const before = equal.slice(0, KEYS_MAX - 1).map((term) => keyOf(term));
  const first = equal.slice(0, 1).map((term) => keyOf(term));
  return ranges.flatMap((term): readonly BtreeParts[] => {
    const alone = { reasons: ["range"], sought: "lookup", keys: [keyOf(term)] } as const;
    if (before.length === 0) return [{ ...alone, promise: 1 }];
    const reasons = ["equality", "range"] as const;
    return [
      { reasons, sought: "lookup", keys: [...before, keyOf(term)], promise: 1 },
      { reasons, sought: "lookup", keys: [...first, keyOf(term)], promise: 0.7 },
      { ...alone, promise: 0.5 },
    ];
  });
}

/** For a loop that looks up each row of the other table. */
function joinIdeas({ single, joins, ranges, weak }: Shape, table: Table): readonly BtreeParts[] {
  return joins.flatMap(({ terms }): readonly BtreeParts[] => {
    const facts = { sought: "equality" } as const;
    const both = byShare(table, [...terms, ...single], weak).map((term) => keyOf(term));
    const alone = terms.map(
      (term): BtreeParts => ({ ...facts, reasons: ["join"], keys: [keyOf(term)], promise: 0.9 }),
    );
    const [range] = ranges;
    const withRange: readonly BtreeParts[] =
      range === undefined
        ? []
        : [
            {
              reasons: ["join", "range"],
              sought: "lookup",
              keys: [...both.slice(0, KEYS_MAX - 1), keyOf(range)],
              promise: 0.7,
            },
          ];
    return [
      { ...facts, reasons: ["join"], keys: terms.map((term) => keyOf(term)), promise: 1 },
      ...alone,
      ...(single.length === 0
        ? []
        : [{ ...facts, reasons: ["join", "equality"], keys: both, promise: 0.9 } as const]),
      ...withRange,
    ];
  });
}

/** Grouped or distinct columns in sorted order need no hash and no sort. */
function groupIdeas({ single, grouped }: Shape): readonly BtreeParts[] {
  if (grouped.length === 0 || grouped.length > KEYS_MAX) return [];
  const keys = [...single, ...grouped].slice(0, KEYS_MAX).map((term) => keyOf(term));
  const promise = single.length > 0 ? 0.7 : 0.5;
  return [{ reasons: ["group"], sought: "order", fixed: single.length, keys, promise }];
}

/** LIKE 'x%' compares bytes: another operator class, unless the collation already sorts so. */
function prefixIdeas({ equal, prefixes }: Shape, table: Table): readonly BtreeParts[] {
  const before = equal.slice(0, KEYS_MAX - 1).map((term) => keyOf(term));
  return prefixes.flatMap((term): readonly BtreeParts[] => {
    const key = keyOf(term, patternOpclass(term.column, table));
    const facts = { reasons: ["pattern"], sought: "lookup" } as const;
    const alone = { ...facts, keys: [key], promise: 0.9 };
    return before.length === 0
      ? [alone]
      : [{ ...facts, keys: [...before, key], promise: 1 }, alone];
  });
}

function patternOpclass(name: string | undefined, table: Table): string | undefined {
  const column = table.relation.columns.find((each) => each.name === name);
  if (column?.collation?.isC ?? table.catalog.collationIsC) return undefined;
  return column?.baseType === "bpchar" ? "bpchar_pattern_ops" : "text_pattern_ops";
}
