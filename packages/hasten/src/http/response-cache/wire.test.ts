import fc from "fast-check";
import { expect, test } from "vitest";
import { writeStructured } from "../../cache/wire/index.ts";
import { createRepresentation, fullBlock, type StoredResponse } from "./stored-response.ts";
import type { VariantSet } from "./variants.ts";
import { responseCodec } from "./wire.ts";

const NOW_MS = 1_000_000;
const codec = responseCodec(() => NOW_MS);
const wire = codec.wire!;

function response(overrides: Partial<StoredResponse> = {}): StoredResponse {
  const body = Buffer.from('{"ok":true}');
  return {
    status: 200,
    fields: ["Content-Type", "application/json", "Date", "Tue, 15 Nov 2022 12:45:26 GMT"],
    overridden: new Map([["x-a", "earlier"]]),
    frontFields: ["X-Front", "1"],
    etag: '"tag"',
    lastModified: undefined,
    vary: "Accept-Encoding, Accept-Language",
    varyNames: ["accept-language"],
    variantKey: "de",
    compressible: true,
    freshness: {
      initialAgeMs: 5,
      freshForMs: 60_000,
      staleWhileRevalidateMs: 1_000,
      staleIfErrorMs: 2_000,
      mustRevalidate: false,
      droppedFields: ["x-b"],
    },
    dependency: undefined,
    trackedAs: "",
    storedAtMs: NOW_MS - 10_000,
    freshUntilMs: NOW_MS + 50_000,
    identity: createRepresentation("identity", body, '"tag"'),
    codings: { br: createRepresentation("br", Buffer.from("coded"), '"tag-br"', '"before"') },
    making: new Set(),
    codedBytes: 5,
    usage: { hits: 7 },
    retryAtMs: 9,
    ...overrides,
  };
}

const there = (set: VariantSet, freshUntilMs = NOW_MS + 50_000): VariantSet =>
  wire.decode(wire.encode(set)!, { freshUntilMs, dependency: undefined });

test("a response comes back as it was, with its codings and nothing of its use", () => {
  const stored = response();
  const older = response({
    storedAtMs: NOW_MS - 15_000,
    variantKey: "fr",
    codings: {},
    codedBytes: 0,
  });
  const set = there({ newest: stored, older: [older] });
  expect(set.newest).toEqual({ ...stored, usage: { hits: 0 }, retryAtMs: 0 });
  expect(set.older).toEqual([
    { ...older, freshUntilMs: older.storedAtMs + 65_000, usage: { hits: 0 }, retryAtMs: 0 },
  ]);
});

test("it is never younger or fresher than the tier says", () => {
  const early = there({ newest: response(), older: [] }, NOW_MS + 1_000);
  expect(early.newest.freshUntilMs).toBe(NOW_MS + 1_000);
  expect(early.newest.storedAtMs).toBe(NOW_MS + 1_000 - 60_000);
  const late = there({ newest: response(), older: [] }, NOW_MS + 900_000);
  expect(late.newest.storedAtMs).toBe(NOW_MS);
  expect(() => there({ newest: response(), older: [] }, Number.NEGATIVE_INFINITY)).toThrow();
});

const variant = (changes: object): Uint8Array => {
  const decoded = response();
  const { identity, storedAtMs, freshUntilMs, ...plain } = decoded;
  const fields = {
    ...plain,
    overridden: ["x-a", "earlier"],
    olderByMs: 0,
    freshForMs: freshUntilMs - storedAtMs,
    body: new Uint8Array(identity.body),
    codings: [["br", new Uint8Array(5), '"t"', undefined]],
    making: undefined,
  };
  return writeStructured([{ ...fields, ...changes }]);
};
const decode = (bytes: Uint8Array): VariantSet =>
  wire.decode(bytes, { freshUntilMs: NOW_MS, dependency: undefined });

test("what a response could not have is refused", () => {
  expect(decode(variant({})).newest.status).toBe(200);
  const refused: readonly object[] = [
    { fields: ["X-A", "1\r\nSet-Cookie: a=b"] },
    { fields: ["X A", "1"] },
    { fields: ["Set-Cookie", "a=b"] },
    { fields: ["X-Request-Id", "1"] },
    { fields: ["Access-Control-Allow-Origin", "https://evil.example"] },
    { fields: ["Transfer-Encoding", "chunked"] },
    { fields: ["X-A"] },
    { fields: [1, 2] },
    { frontFields: ["Set-Cookie", "a=b"] },
    { etag: '"a"\r\nX: 1' },
    { vary: "a\nb" },
    { status: 100 },
    { status: 200.5 },
    { status: 999 },
    { body: "text" },
    { freshForMs: -1 },
    { freshForMs: Number.POSITIVE_INFINITY },
    { olderByMs: Number.NaN },
    { codings: [["identity", new Uint8Array(1), '"t"']] },
    { codings: [["__proto__", new Uint8Array(1), '"t"']] },
    { codings: [["br", new Uint8Array(9_999), '"t"']] },
    { freshness: null },
    { variantKey: undefined },
  ];
  for (const changes of refused)
    expect(() => decode(variant(changes)), JSON.stringify(changes)).toThrow();
  for (const value of [[], {}, null, "x", new Array(20).fill({})])
    expect(() => decode(writeStructured(value))).toThrow();
});

test("damaged bytes throw or can be sent", () => {
  const bytes = wire.encode({ newest: response(), older: [response({ variantKey: "fr" })] })!;
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = byte;
      let set: VariantSet;
      try {
        set = decode(damaged);
      } catch {
        return;
      }
      for (const stored of [set.newest, ...set.older]) {
        fullBlock(stored, stored.identity, false);
        fullBlock(stored, stored.identity, true);
        for (const rep of Object.values(stored.codings)) fullBlock(stored, rep, false);
      }
    }),
    { numRuns: 5_000 },
  );
});
