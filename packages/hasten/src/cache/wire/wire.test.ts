import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { byReference, type Codec } from "../codec.ts";
import type { Payload } from "../shared/port.ts";
import { admit } from "../value.ts";
import { DEFLATE, FORM_CODEC, FORM_JSON, FORM_STRUCTURED, ZSTD } from "./form.ts";
import {
  compressPayload,
  decodeValue,
  decompressPayload,
  encodeAdmitted,
  encodeValue,
  readPayload,
  readStructured,
  writeStructured,
} from "./index.ts";
import * as tags from "./tags.ts";

const bare = (fields: object): object => Object.assign(Object.create(null), fields);
const own = (fields: [string, unknown][]): object => Object.fromEntries(fields);

function there(value: unknown, codec?: Codec<unknown>): unknown {
  const payload = encodeValue(value, codec);
  if (payload === undefined) throw new Error("it cannot travel");
  const decoded = decodeValue(payload, codec);
  if (decoded.kind !== "value") throw new Error(decoded.because);
  return decoded.value;
}

const formOf = (value: unknown): number | undefined => encodeValue(value)?.form;

const plainData = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(undefined, null, true, false, Number.NaN, -0, 0, Number.POSITIVE_INFINITY),
    fc.double(),
    fc.integer(),
    fc.bigInt(),
    fc.string({ unit: "binary" }),
    fc.constantFrom("\ud800", "a\udc00b", "__proto__", "constructor", "toJSON", "é".repeat(40)),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.float64Array(),
    fc.bigInt64Array(),
    fc.array(tie("value")),
    fc.sparseArray(tie("value"), { maxLength: 20 }),
    fc.array(fc.tuple(tie("value"), tie("value"))).map((entries) => new Map(entries)),
    fc.array(tie("value")).map((list) => new Set(list)),
    fc.dictionary(keys(), tie("value")).map(bare),
    fc.array(fc.tuple(keys(), tie("value"))).map(own),
  ),
})).value;

function keys(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("__proto__", "constructor", "hasOwnProperty", "toString", "1", "\ud800"),
  );
}

test("what is read elsewhere is alike in type and content", () => {
  fc.assert(
    fc.property(plainData, (value) => {
      // Not by toStrictEqual: it calls what a field named "constructor" holds the class.
      expect(isDeepStrictEqual(there(value), value)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("data that JSON gives back exactly travels as JSON, other data does not", () => {
  const exact = [
    null,
    "text",
    "\ud800",
    0,
    -1.5,
    [1, [2]],
    { a: { b: [true] } },
    own([["__proto__", { polluted: 1 }]]),
  ];
  for (const value of exact) expect(formOf(value)).toBe(FORM_JSON);
  const shared = { n: 1 };
  const inexact = [
    undefined,
    -0,
    Number.NaN,
    1n,
    { a: undefined },
    new Array(2),
    bare({ a: 1 }),
    [shared, shared],
    Object.create({ toJSON: () => "other" }, {}),
    new Date(0),
  ];
  for (const value of inexact.slice(0, -2)) expect(formOf(value)).toBe(FORM_STRUCTURED);
  expect(formOf(inexact.at(-1))).toBe(FORM_STRUCTURED);
});

test("memory and the tier send the same bytes, and classes and functions do not travel", () => {
  for (const value of [{ a: 1 }, { at: new Date(5) }, new Map([[1, new Set([2n])]]), undefined]) {
    const admitted = admit(value, { codec: undefined, sizeOf: undefined });
    expect(encodeAdmitted(value, admitted)).toStrictEqual(encodeValue(value));
  }
  for (const value of [() => 1, Symbol("s"), new (class Thing {})(), { f() {} }])
    expect(encodeValue(value)).toBeUndefined();
});

test("data nested too deep stays here instead of ending the process", () => {
  let list: unknown[] = [];
  for (let n = 0; n < 200_000; n++) list = [list];
  expect(encodeValue(list)).toBeUndefined();
  expect(encodeValue({ list, at: new Date() })).toBeUndefined();
});

test("shared and cyclic references, keys of prototypes and big numbers survive", () => {
  const shared = { n: -(2n ** 4_000n) };
  const cyclic: Record<string, unknown> = { a: shared, b: shared, list: [shared] };
  cyclic["self"] = cyclic;
  const map = new Map<unknown, unknown>([[cyclic, shared]]);
  map.set(map, new Set([map]));
  const read = there({ cyclic, map }) as { cyclic: typeof cyclic; map: Map<unknown, unknown> };
  expect(read.cyclic["self"]).toBe(read.cyclic);
  expect(read.cyclic["a"]).toBe(read.cyclic["b"]);
  expect(read.map.get(read.cyclic)).toBe(read.cyclic["a"]);
  expect((read.map.get(read.map) as Set<unknown>).has(read.map)).toBe(true);
  expect(shared.n).toBe((read.cyclic["a"] as typeof shared).n);
  const hostile = there(
    own([
      ["__proto__", { polluted: true }],
      ["at", new Date(1)],
    ]),
  ) as object;
  expect(Object.hasOwn(hostile, "__proto__")).toBe(true);
  expect(Object.getPrototypeOf(hostile)).toBe(Object.prototype);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test("names that every object inherits become its own", () => {
  const names = Object.getOwnPropertyNames(Object.prototype);
  const bytes = writeStructured(own(names.map((name) => [name, new Date(1)])));
  const before = names.map((name) => Object.getOwnPropertyDescriptor(Object.prototype, name));
  expect(Object.keys(readStructured(bytes) as object).sort()).toEqual([...names].sort());
  expect(names.map((name) => Object.getOwnPropertyDescriptor(Object.prototype, name))).toEqual(
    before,
  );
});

test("any bytes end with a value or as undecodable", () => {
  const payload = fc.record({
    form: fc.integer({ min: 0, max: 255 }),
    bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  });
  fc.assert(
    fc.property(payload, (one) => {
      expect(["value", "undecodable"]).toContain(decodeValue(one).kind);
      expect(["value", "undecodable"]).toContain(
        decodeValue({ ...one, form: FORM_STRUCTURED }).kind,
      );
    }),
    { numRuns: 5_000 },
  );
});

test("damaged bytes end with a value or as undecodable", () => {
  fc.assert(
    fc.property(plainData, fc.nat(), fc.nat(255), fc.boolean(), (value, at, byte, cut) => {
      const bytes = writeStructured(value);
      const place = at % bytes.length;
      if (!cut) bytes[place] = byte;
      const damaged = cut ? bytes.subarray(0, place) : bytes;
      const decoded = decodeValue({ form: FORM_STRUCTURED, bytes: damaged });
      if (cut) expect(decoded.kind).toBe("undecodable");
    }),
    { numRuns: 5_000 },
  );
});

function wide(tag: number, size: number): number[] {
  const bytes = Buffer.alloc(9);
  bytes[0] = tag;
  bytes.writeUInt32LE(size, 1);
  return [...bytes];
}

const BOMBS: Readonly<Record<string, number[]>> = {
  "a long array": [tags.ARRAY, 0xff, 0xff, 0xff, 0xff, 0x0f],
  "an array of more than is there": [tags.ARRAY, 0xff, 0x7f, 0],
  "a large map": wide(tags.MAP, 0xffff_ffff),
  "a large set": wide(tags.SET, 0x7fff_ffff),
  "large binary": [...wide(tags.BINARY, 0xffff_fff0), 1],
  "an unknown binary type": [...wide(tags.BINARY, 0), 99],
  "a view of half an element": [...wide(tags.BINARY, 3), 9, 1, 2, 3],
  "an object of many fields": [tags.OBJECT, 0xff, 0xff, 0x7f],
  "a field without a name": [tags.OBJECT, 1, tags.INT, 1, tags.INT, 1],
  "a reference to nothing": [tags.SEEN, 0],
  "a reference to what follows": [tags.ARRAY, 2, tags.SEEN, 1, tags.OBJECT, 0],
  "an endless size": [tags.UTF8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  "half a lone surrogate": [tags.UTF16, 1, 0xd8],
  "a bigint of words": [tags.BIGINT, tags.UTF8, 2, 0x7a, 0x7a],
  "a bigint without digits": [tags.BIGINT, tags.UTF8, 0],
  "half a double": [tags.DOUBLE, 1, 2],
  "a hole outside of an array": [tags.HOLE],
  "what follows the value": [0, 0],
  nothing: [],
};

test.each(Object.entries(BOMBS))("undecodable: %s", (_name, bytes) => {
  const payload: Payload = { form: FORM_STRUCTURED, bytes: Buffer.from(bytes) };
  expect(decodeValue(payload).kind).toBe("undecodable");
});

test("nested promises of size add up: memory stays near the size of the bytes", () => {
  const size = 1 << 20;
  const bytes = Buffer.alloc(size, 0);
  // A thousand arrays within each other, each of a million.
  for (let n = 0; n < 1_000; n++) bytes.set([tags.ARRAY, 0x80, 0x80, 0x3c], n * 4);
  const before = process.memoryUsage().heapUsed;
  expect(decodeValue({ form: FORM_STRUCTURED, bytes }).kind).toBe("undecodable");
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(size * 40);
});

test("the most memory that bytes can take is a small multiple of them", () => {
  const count = 20_000;
  const cases = [wide(tags.MAP, 0), wide(tags.SET, 0), [...wide(tags.BINARY, 0), 0]];
  cases.push([tags.OBJECT, 0], [tags.ARRAY, 0], [tags.BARE_OBJECT, 0]);
  for (const one of cases) {
    const size = [0x80 | (count & 0x7f), 0x80 | ((count >>> 7) & 0x7f), count >>> 14];
    const body = Buffer.concat(new Array<Buffer>(count).fill(Buffer.from(one)));
    const bytes = Buffer.concat([Buffer.from([tags.ARRAY, ...size]), body]);
    const before = process.memoryUsage();
    const decoded = decodeValue({ form: FORM_STRUCTURED, bytes });
    const after = process.memoryUsage();
    expect(decoded.kind).toBe("value");
    const grown = after.heapUsed - before.heapUsed + (after.external - before.external);
    expect(grown).toBeLessThan(bytes.length * 64 + 4_000_000);
  }
});

const point: Codec<unknown> = {
  name: "point",
  encode: (value) => ({ stored: value, bytes: 16 }),
  decode: (stored) => stored,
  wire: {
    encode: (value) => (value === "here" ? undefined : Buffer.from(String(value))),
    decode(bytes) {
      if (bytes.length === 0) throw new Error("no point");
      return Buffer.from(bytes).toString();
    },
  },
};

test("a codec travels by its wire form, and only it reads that", () => {
  const payload = encodeValue("1,2", point)!;
  expect(payload.form).toBe(FORM_CODEC);
  expect(decodeValue(payload, point)).toEqual({ kind: "value", value: "1,2" });
  expect(decodeValue(payload).kind).toBe("undecodable");
  expect(decodeValue(payload, { ...point, name: "point 2" }).kind).toBe("undecodable");
  expect(decodeValue(encodeValue("1,2")!, point).kind).toBe("undecodable");
  expect(decodeValue(encodeValue("", point)!, point).kind).toBe("undecodable");
  expect(decodeValue({ form: FORM_CODEC, bytes: Buffer.from([200, 1]) }, point).kind).toBe(
    "undecodable",
  );
  expect(encodeValue("here", point)).toBeUndefined();
  expect(
    encodeValue(
      {},
      byReference(() => 1),
    ),
  ).toBeUndefined();
});

test("a number that Redis counted is read as it is", () => {
  for (const text of ["5", "-2", "1e+20", "0.10000000000000001"])
    expect(decodeValue({ form: FORM_JSON, bytes: Buffer.from(text) })).toEqual({
      kind: "value",
      value: Number(text),
    });
  expect(decodeValue({ form: FORM_JSON, bytes: Buffer.from("inf") }).kind).toBe("undecodable");
});

test("large payloads are compressed where that saves a tenth", async () => {
  const small = encodeValue("a".repeat(1_000))!;
  expect(compressPayload(small)).toBe(small);
  const large = encodeValue({ text: "abc ".repeat(50_000), at: new Date(3) })!;
  const packed = await compressPayload(large);
  expect(packed.form).toBe(FORM_STRUCTURED + ZSTD);
  expect(packed.bytes.length).toBeLessThan(large.bytes.length / 10);
  expect(await readPayload(packed)).toEqual(decodeValue(large));
  const noise: Payload = {
    form: FORM_STRUCTURED,
    bytes: writeStructured(crypto.getRandomValues(new Uint8Array(60_000))),
  };
  expect(await compressPayload(noise, { compressFromBytes: 1_000 })).toBe(noise);
  expect(compressPayload(packed, { compressFromBytes: 1 })).toBe(packed);
});

test("what decompresses to more than it says, or than may be, is undecodable", async () => {
  const { deflateSync, zstdCompressSync } = await import("node:zlib");
  const plain = Buffer.alloc(10_000_000, 0x20);
  const framed = (length: number, stream: Buffer): Buffer => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(length);
    return Buffer.concat([head, stream]);
  };
  for (const [flag, stream] of [
    [ZSTD, zstdCompressSync(plain)],
    [DEFLATE, deflateSync(plain)],
  ] as const) {
    const kind = async (length: number, bytes = stream): Promise<string> => {
      const payload = { form: FORM_JSON + flag, bytes: framed(length, bytes) };
      return (await decompressPayload(payload)).kind;
    };
    expect(await kind(plain.length)).toBe("payload");
    expect(await kind(1_000)).toBe("undecodable");
    expect(await kind(plain.length + 1)).toBe("undecodable");
    expect(await kind(0)).toBe("undecodable");
    expect(await kind(0xffff_ffff)).toBe("undecodable");
    expect(await kind(plain.length, Buffer.from("no stream"))).toBe("undecodable");
  }
  const unknown = { form: FORM_JSON + 64, bytes: Buffer.alloc(20) };
  expect((await decompressPayload(unknown)).kind).toBe("undecodable");
  expect((await readPayload({ form: 200, bytes: Buffer.alloc(0) })).kind).toBe("undecodable");
});
