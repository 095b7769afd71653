import fc from "fast-check";
import { expect, test } from "vitest";
import {
  entryGlob,
  entryName,
  keyName,
  leaseName,
  prefixName,
  shardOf,
  spaceOf,
  tagName,
  textOf,
} from "./names.ts";

/** Any sequence of UTF-16 units, with those that names are made of more often. */
const unit = fc.oneof(
  fc.constantFrom(..."a:*{}%#\n\0?[]\\ue".split("")),
  fc.constantFrom("\ud800", "\udfff", "ü", "€"),
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
);
const text = fc.array(unit, { maxLength: 12 }).map((units) => units.join(""));

test("a name gives back its text, also through UTF-8", () => {
  fc.assert(
    fc.property(text, (one) => {
      for (const named of [keyName, tagName, prefixName, entryName, leaseName]) {
        const name = named(one);
        expect(name.isWellFormed()).toBe(true);
        expect(textOf(Buffer.from(name).toString("utf8"))).toBe(one);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("different texts and kinds never share a name", () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      const names = [one, other].flatMap((each) =>
        [keyName, tagName, prefixName, entryName, leaseName].map((named) => named(each)),
      );
      expect(new Set(names).size).toBe(one === other ? 5 : 10);
    }),
    { numRuns: 2_000 },
  );
});

const space = fc.record({
  keyPrefix: text,
  namespace: text,
  shard: fc.integer({ min: 0, max: 3 }),
  shards: fc.constantFrom(1, 4),
});

test("different spaces never overlap, and everything in one has one hash tag that is not empty", () => {
  const hashTag = (key: string): string => {
    const from = key.indexOf("{") + 1;
    return key.slice(from, key.indexOf("}", from));
  };
  fc.assert(
    fc.property(space, space, text, text, (a, b, name, other) => {
      const [one, two] = [a, b].map((each) => ({
        ...each,
        shard: each.shards === 1 ? 0 : each.shard,
      }));
      const p = spaceOf(one!);
      expect(p.isWellFormed()).toBe(true);
      expect(hashTag(p + entryName(name))).toBe(hashTag(`${p}clk`));
      expect(hashTag(p)).not.toBe("");
      const same =
        one!.keyPrefix === two!.keyPrefix &&
        one!.namespace === two!.namespace &&
        one!.shard === two!.shard &&
        one!.shards === two!.shards;
      const q = spaceOf(two!);
      expect(p === q).toBe(same);
      if (!same) expect(p + entryName(name)).not.toBe(q + entryName(other));
      if (!same) expect(p.startsWith(q)).toBe(false);
    }),
    { numRuns: 3_000 },
  );
});

test("names are what they were: another layout would need another wire version", () => {
  const plain = { keyPrefix: "app:", namespace: "users", shard: 0, shards: 1 };
  expect(spaceOf(plain)).toBe("app:1:{users}:");
  expect(spaceOf({ ...plain, shard: 3, shards: 8 })).toBe("app:1:{users#3}:");
  expect(spaceOf({ ...plain, namespace: "a{b}#%\ud800", keyPrefix: "" })).toBe(
    "1:{a%7bb%7d%23%25%ud800}:",
  );
  expect(entryName("user:7")).toBe("e:user:7");
  expect(entryName("%\udc00x")).toBe("E:%25%udc00x");
  expect(["a", "user:7", "\ud800", "schlüssel"].map((key) => shardOf(key, 8))).toEqual([
    5, 3, 2, 6,
  ]);
});

test("keys spread over shards", () => {
  const counts = new Array<number>(8).fill(0);
  for (let index = 0; index < 8_000; index++) counts[shardOf(`user:${index}`, 8)]! += 1;
  for (const count of counts) expect(count).toBeGreaterThan(800);
});

test("a space is no glob", () => {
  expect(entryGlob("a*[b]?\\1:{n}:", "user:*")).toBe("a\\*\\[b\\]\\?\\\\1:{n}:[eE]:user:*");
});
