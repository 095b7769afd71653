import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeBody } from "./entry-body.ts";
import { decodeEntry, seqOf } from "./entry-header.ts";
import { judgeLook } from "./looks.ts";
import { tagName } from "./names.ts";
import type { DecodedEntry, EntryBody, ReadAnswer } from "./types.ts";

const EPOCH = "00112233aabbccdd";
const RUN_ID = "f".repeat(40);
const SEQ = 1_760_000_000_000_000;
const readClock = (bytes: Buffer) => ({
  epoch: bytes.toString("latin1", 0, 16),
  seq: SEQ,
  head: 0,
  runId: RUN_ID,
  rootDeleted: 0,
  rootExpired: 0,
  floor: 0,
  generation: 0,
});

function entryBytes(body: EntryBody, seq: number = SEQ, live = "0"): Buffer {
  const digits = String(seq).padStart(16, "0");
  return Buffer.concat([Buffer.from(`H1${live}${EPOCH}${digits}${digits}`), encodeBody(body)!]);
}

function decode(bytes: Buffer): DecodedEntry | undefined {
  const seq = seqOf(bytes);
  return Number.isNaN(seq) ? undefined : decodeEntry(bytes, seq);
}

const anyText = fc.string({ unit: "grapheme", maxLength: 20 });
const tag = fc.oneof(anyText, fc.constantFrom("\ud800", "%", "\udc00%ud800"));
const body: fc.Arbitrary<EntryBody> = fc.record({
  freshUntilRedisMs: fc.double({ noNaN: true }),
  staleUntilRedisMs: fc.double({ noNaN: true }),
  capturedRedisMs: fc.double({ noNaN: true }),
  loadMs: fc.double({ noNaN: true }),
  payload: fc.record({
    form: fc.integer({ min: 0, max: 255 }),
    bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  }),
  tags: fc.array(tag, { maxLength: 20 }),
  dependency: fc.option(
    fc.record({
      sources: fc.array(anyText, { maxLength: 3 }),
      untracked: fc.array(anyText, { maxLength: 3 }),
      personal: fc.option(fc.array(anyText, { maxLength: 3 }), { nil: undefined }),
    }),
    { nil: undefined },
  ),
});

test("an entry gives back what was written", () => {
  fc.assert(
    fc.property(body, fc.integer({ min: 0, max: 2 ** 53 - 1 }).filter(fits), (one, seq) => {
      expect(decode(entryBytes(one, seq))).toEqual({ ...one, seq, expiredSeq: undefined });
      expect(decode(entryBytes(one, seq, "x"))?.expiredSeq).toBe(seq);
    }),
    { numRuns: 1_000 },
  );
});

function fits(seq: number): boolean {
  return seq < 1e16;
}

function look(bytes: Buffer): ReadAnswer {
  return judgeLook(
    {
      clock: Buffer.from(`${EPOCH} and more`),
      entry: bytes,
      prefixes: [],
      declared: [],
      records: [],
      recordsAt: 0,
      guessed: undefined,
      tagRecords: [],
      tagRecordsAt: 0,
    },
    { readClock, runId: RUN_ID, nowRedisMs: 0 },
  );
}

test("garbage is absent and counted, whatever it is", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, headed) => {
      const head = Buffer.from(`H10${EPOCH}${String(SEQ).repeat(2)}`);
      const garbage = headed ? Buffer.concat([head, bytes]) : Buffer.from(bytes);
      expect(look(garbage)).toMatchObject({ kind: "absent", undecodable: true });
    }),
    { numRuns: 3_000 },
  );
});

test("a flipped bit or a cut is never another value", () => {
  fc.assert(
    fc.property(body, fc.nat(), fc.nat(7), (one, at, bit) => {
      const whole = { ...one, freshUntilRedisMs: 1e15, staleUntilRedisMs: 1e15, tags: [] };
      const bytes = entryBytes(whole);
      const found = look(bytes);
      expect(found.kind).toBe("found");
      const flipped = Buffer.from(bytes);
      flipped[at % bytes.length]! ^= 1 << bit;
      const answer = look(flipped);
      // The live byte alone is not covered: then it is none of the two that there are.
      expect(answer.kind).toBe("absent");
      expect(look(bytes.subarray(0, at % bytes.length)).kind).toBe("absent");
      expect(look(Buffer.concat([bytes, Buffer.from([at & 0xff])])).kind).toBe("absent");
    }),
    { numRuns: 1_000 },
  );
});

test("lengths that lie stay within the bytes, also under a right checksum", async () => {
  const { crc32 } = await import("node:zlib");
  fc.assert(
    fc.property(body, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 }), (one, at, lie) => {
      const bytes = entryBytes(one);
      const from = 51 + 33 + (at % (bytes.length - 51 - 33 - 4));
      Buffer.from(lie).copy(bytes, from, 0, Math.min(lie.length, bytes.length - 4 - from));
      bytes.writeUInt32BE(crc32(bytes.subarray(51, -4)), bytes.length - 4);
      const found = decode(bytes);
      if (found !== undefined) expect(found.payload.bytes.length).toBeLessThan(bytes.length);
    }),
    { numRuns: 3_000 },
  );
});

test("what does not fit is not encoded", () => {
  const one = fc.sample(body, 1)[0]!;
  expect(encodeBody({ ...one, tags: ["x".repeat(65_536)] })).toBeUndefined();
  expect(
    encodeBody({ ...one, tags: Array.from({ length: 257 }, (_, i) => `${i}`) }),
  ).toBeUndefined();
  expect(encodeBody({ ...one, tags: Array.from({ length: 256 }, (_, i) => `${i}`) })).toBeDefined();
});

interface Fixture {
  readonly version: string;
  readonly says: string;
  readonly hex: string;
  readonly entry: Omit<EntryBody, "payload"> & {
    readonly payload: { readonly form: number; readonly text: string };
  };
}

const FIXTURES = new URL("../../../../test/redis/protocol/fixtures.json", import.meta.url);

test("entries of former releases are read as they were written, or cleanly missed", () => {
  const fixtures = JSON.parse(readFileSync(FIXTURES, "utf8")) as readonly Fixture[];
  expect(fixtures.length).toBeGreaterThan(2);
  for (const { version, hex, entry } of fixtures) {
    const bytes = Buffer.from(hex, "hex");
    const found = decode(bytes);
    if (version !== "H1") {
      expect(look(bytes)).toMatchObject({ kind: "absent", undecodable: true });
      continue;
    }
    const { payload, dependency, ...rest } = entry;
    expect(found).toMatchObject(rest);
    expect(found?.dependency ?? null).toEqual(dependency ?? null);
    expect(found?.payload.form).toBe(payload.form);
    expect(String(found?.payload.bytes)).toBe(payload.text);
    // What is written today is the same to the byte.
    const again = encodeBody({
      ...entry,
      dependency: dependency ?? undefined,
      payload: { form: payload.form, bytes: Buffer.from(payload.text) },
    });
    expect(bytes.subarray(51).toString("hex")).toBe(again?.toString("hex"));
  }
});

test("tags are among the names that scripts read", () => {
  const one = { ...fc.sample(body, 1)[0]!, tags: ["t", "\ud800"] };
  const bytes = entryBytes(one);
  for (const name of one.tags.map(tagName)) expect(bytes.includes(name)).toBe(true);
});
