/** Cursors: http.md's acceptance test P4, without a server. */
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProblemError } from "../../core/problem.ts";
import {
  definePage,
  keyRing,
  type PageOptions,
  type PageRequest,
  pageQuery,
  sql,
} from "../index.ts";

const secretA = "a".repeat(32);
const secretB = "b".repeat(32);
const ring = keyRing([{ id: "a", secret: secretA }]);

const base = {
  from: "items",
  key: ["id"],
  columns: {
    id: { type: "bigint" },
    name: { type: "text" },
    created: { type: "timestamptz", nullable: false },
  },
  sorts: { name: ["name"], newest: ["-created"] },
} as const satisfies PageOptions;
const list = definePage({ ...base, cursor: { keys: ring } });

/** The `next` cursor of a page of one row, without a server. */
function cursorOf(
  spec = list,
  request: PageRequest = {},
  keys: Record<string, unknown> = { "~k0": "n", "~k1": "7" },
): string {
  const row = { id: "7", name: "n", created: null, ...keys };
  return pageQuery(spec, { ...request, limit: 1 }).finish([row, row]).next!;
}

function problemOf(use: () => unknown): { type: string; status: number; detail?: string } {
  try {
    use();
  } catch (error) {
    if (error instanceof ProblemError) return error.problem;
    throw error;
  }
  throw new Error("accepted");
}
const refused = (cursor: unknown, request: PageRequest = {}, spec = list): string => {
  const problem = problemOf(() => pageQuery(spec, { ...request, cursor: cursor as string }));
  expect([problem.type, problem.status]).toEqual(["urn:hasten:problem:invalid-cursor", 400]);
  return problem.detail!;
};

describe("a cursor", () => {
  test("carries its keys into the next page's parameters as they are", () => {
    const request = { filter: sql`owner = ${"me"}` };
    const query = pageQuery(list, { ...request, cursor: cursorOf(list, request) });
    expect(query.values).toEqual(["me", "n", "7"]);
    expect(query.text).toContain("(owner = $1)");
  });

  test("with any one byte changed, removed or doubled is refused", () => {
    const cursor = cursorOf();
    for (let index = 0; index < cursor.length; index++) {
      const [before, at, after] = [cursor.slice(0, index), cursor[index]!, cursor.slice(index + 1)];
      for (const other of [at === "A" ? "B" : "A", at === "_" ? "-" : "_", ".", "=", "é", ""])
        if (other !== at) refused(before + other + after);
      refused(before + at + at + after);
      const flipped = String.fromCharCode(at.charCodeAt(0) ^ 1);
      refused(before + flipped + after);
    }
  });

  test("that is not text, empty, too long or of another shape is refused and never page one", () => {
    for (const given of [
      "",
      " ",
      "v1",
      "v1...",
      "....",
      "v2.a.b.c",
      "null",
      null,
      7,
      [],
      ["x"],
      {},
      true,
    ])
      refused(given);
    expect(refused("x".repeat(4097))).toMatch(/longer/);
    expect(refused(cursorOf().replace("v1.", "v2."))).toMatch(/version/);
    fc.assert(fc.property(fc.string({ unit: "binary" }), (given) => void refused(given)));
  });

  test("of another sort, the reversed sort or another list is refused", () => {
    const newest = cursorOf(
      list,
      { sort: "newest" },
      { "~k0": "2026-01-01T00:00:00.000001", "~k1": "7" },
    );
    expect(refused(newest)).toMatch(/another sort/);
    expect(refused(cursorOf(), { sort: "newest" })).toMatch(/another sort/);
    expect(refused(cursorOf(), { sort: "-name" })).toMatch(/another sort/);
    const other = definePage({ ...base, from: "others", cursor: { keys: ring } });
    expect(refused(cursorOf(other))).toMatch(/another sort/);
  });

  test("of another filter, another tenant or other values is refused", () => {
    const tenant = (id: unknown): PageRequest => ({ filter: sql`tenant = ${id}` });
    const distinct = [
      1,
      2,
      "1",
      1n,
      null,
      Number.NaN,
      [1],
      [[1]],
      { a: 1 },
      new Date(1),
      Buffer.from("1"),
    ];
    for (const [i, a] of distinct.entries())
      for (const [j, b] of distinct.entries()) {
        const use = (): unknown =>
          pageQuery(list, { ...tenant(b), cursor: cursorOf(list, tenant(a)) });
        if (i === j) expect(use).not.toThrow();
        else expect(problemOf(use).detail).toMatch(/another filter/);
      }
    expect(refused(cursorOf(), tenant(1))).toMatch(/another filter/);
    expect(refused(cursorOf(list, tenant(1)))).toMatch(/another filter/);
    expect(refused(cursorOf(list, { filterId: "x" }), { filterId: "y" })).toMatch(/another filter/);
    const now = { filterId: "recent" };
    const cursor = cursorOf(list, { ...now, filter: sql`created < ${new Date(1)}` });
    expect(() =>
      pageQuery(list, { ...now, filter: sql`created < ${new Date(2)}`, cursor }),
    ).not.toThrow();
  });

  test("signed by a key outside the ring is refused; one by a retired key works while it is kept", () => {
    const rotated = definePage({
      ...base,
      cursor: { keys: keyRing(`b:${secretB}, a:${secretA}`) },
    });
    expect(() => pageQuery(rotated, { cursor: cursorOf() })).not.toThrow();
    expect(cursorOf(rotated)).toMatch(/^v1\.b\./);
    expect(refused(cursorOf(rotated))).toMatch(/signature/);
    const sameId = definePage({
      ...base,
      cursor: { keys: keyRing([{ id: "a", secret: secretB }]) },
    });
    expect(refused(cursorOf(sameId))).toMatch(/signature/);
  });

  test("works until its end and not after it", () => {
    let wallMs = 1_800_000_000_000;
    const expiring = definePage({
      ...base,
      cursor: { keys: () => ring, ttlMs: 60_000, wallMs: () => wallMs },
    });
    const cursor = cursorOf(expiring);
    wallMs += 59_000;
    expect(() => pageQuery(expiring, { cursor })).not.toThrow();
    wallMs += 2_000;
    expect(refused(cursor, {}, expiring)).toMatch(/expired/);
    wallMs -= 600_000;
    expect(refused(cursor, {}, expiring)).toMatch(/expired/);
    expect(refused(cursorOf(), {}, expiring)).toMatch(/expired/);
  });

  test("rightly signed but of wrong content is refused: content is checked, not trusted", () => {
    const [, , payload] = cursorOf().split(".");
    const fields = JSON.parse(Buffer.from(payload!, "base64url").toString()) as unknown[];
    const signed = (value: unknown): string => {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      const body = `v1.a.${Buffer.from(text).toString("base64url")}`;
      return `${body}.${ring.sign(body)}`;
    };
    const [sort, filter] = fields;
    expect(() =>
      pageQuery(list, { cursor: signed([sort, filter, 0, [null, "i7"]]) }),
    ).not.toThrow();
    for (const wrong of [
      "{",
      "null",
      "7",
      '"x"',
      "{}",
      "[]",
      [sort, filter, 4, ["sn", "i7"]],
      [sort, filter, -1, ["sn", "i7"]],
      [sort, filter, "0x", ["sn", "i7"]],
      [sort, filter, 0, ["sn"]],
      [sort, filter, 0, "sn"],
      [sort, filter, 0, ["sn", null]],
      [sort, filter, 0, ["in", "i7"]],
      [sort, filter, 0, ["sn", "i7; drop"]],
      [sort, filter, 0, ["sn\0", "i7"]],
      [sort, filter, 0, [7, "i7"]],
      [sort, filter, 0, ["sn", "i"]],
      [sort, filter, 0, ["", "i7"]],
    ])
      refused(signed(wrong));
  });

  test("too long for its list is an error at the page that would need it", () => {
    expect(() => cursorOf(list, {}, { "~k0": "n".repeat(5000), "~k1": "7" })).toThrow(
      /HST_PAGE_CURSOR_SIZE/,
    );
  });
});

describe("keys", () => {
  test.each([
    ["no key", []],
    ["an empty text", ""],
    ["text without an id", "onlyasecretonlyasecretonlyasecret"],
    ["a short secret", [{ id: "a", secret: "short" }]],
    ["a malformed id", [{ id: "a.b", secret: secretA }]],
    [
      "two keys of one id",
      [
        { id: "a", secret: secretA },
        { id: "a", secret: secretB },
      ],
    ],
    ["nine keys", Array.from({ length: 9 }, (_, i) => ({ id: `k${i}`, secret: secretA }))],
  ])("are refused: %s", (_name, keys) => {
    expect(() => keyRing(keys)).toThrow(/HST_PAGE_CURSOR_KEYS/);
  });

  test("sign as HMAC-SHA-256 does, whatever the length of the secret", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 200 }), fc.string(), (secret, text) => {
        const mac = createHmac("sha256", secret).update(text).digest().subarray(0, 16);
        expect(keyRing([{ id: "k", secret }]).sign(text)).toBe(mac.toString("base64url"));
      }),
    );
  });

  test("missing from a list allow numbered pages only", () => {
    expect(() => pageQuery(definePage(base))).toThrow(/HST_PAGE_CURSOR_KEYS/);
  });
});
