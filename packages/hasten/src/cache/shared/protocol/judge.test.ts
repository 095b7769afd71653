import { expect, test } from "vitest";
import { clockReader, formatClock, parseClock } from "./clock-record.ts";
import { encodeBody } from "./entry-body.ts";
import { decodeLogBody, encodeInvalidated, encodeWake } from "./log-body.ts";
import { judgeLook, type Look } from "./looks.ts";
import type { ClockRecord } from "./types.ts";
import { partsOf } from "./write-calls.ts";

const EPOCH = "00112233aabbccdd";
const SEQ = 1_760_000_000_000_000;
const clock: ClockRecord = {
  epoch: EPOCH,
  seq: SEQ + 10,
  head: 4,
  runId: "a".repeat(40),
  rootDeleted: 0,
  rootExpired: 0,
  floor: SEQ - 5,
  generation: 1,
};
const record = (deleted: number, expired: number, epoch: string = EPOCH): Buffer => {
  const wide = (seq: number): string => String(seq).padStart(16, "0");
  return Buffer.from(`${epoch} ${wide(deleted)} ${wide(expired)} 1760000000000`);
};

function entry(live: string, tags: readonly string[] = [], epoch: string = EPOCH): Buffer {
  const body = encodeBody({
    freshUntilRedisMs: 100,
    staleUntilRedisMs: 200,
    capturedRedisMs: 1,
    loadMs: 1,
    payload: { form: 1, bytes: Buffer.from("v") },
    tags,
    dependency: undefined,
  });
  return Buffer.concat([Buffer.from(`H1${live}${epoch}${SEQ}${SEQ}`), body!]);
}

function standing(look: Partial<Look>, now = 50, server = clock.runId): string {
  const answer = judgeLook(
    {
      clock: Buffer.from(formatClock(clock)),
      entry: entry("0"),
      prefixes: [],
      declared: [],
      records: [],
      recordsAt: 0,
      guessed: undefined,
      tagRecords: undefined,
      tagRecordsAt: 0,
      ...look,
    },
    { readClock: parseClock, runId: server, nowRedisMs: now },
  );
  if (answer.kind === "found") return answer.fresh ? "fresh" : "stale";
  return answer.kind;
}

const clockBytes = (change: Partial<ClockRecord>): Buffer =>
  Buffer.from(formatClock({ ...clock, ...change }));

test("by time: fresh, then stale, then absent; an unknown time finds nothing", () => {
  expect([99, 100, 199, 200, Number.POSITIVE_INFINITY].map((now) => standing({}, now))).toEqual([
    "fresh",
    "stale",
    "stale",
    "absent",
    "absent",
  ]);
  expect(standing({}, Number.NaN)).toBe("absent");
});

test("by its live byte, its epoch and what was done to everything", () => {
  expect(standing({ entry: entry("x") })).toBe("stale");
  expect(standing({ entry: entry("1") })).toBe("absent");
  expect(standing({ entry: entry("0", [], "0".repeat(16)) })).toBe("absent");
  expect(standing({ entry: null })).toBe("absent");
  expect(standing({ clock: clockBytes({ rootDeleted: SEQ }) })).toBe("fresh");
  expect(standing({ clock: clockBytes({ rootDeleted: SEQ + 1 }) })).toBe("absent");
  expect(standing({ clock: clockBytes({ rootExpired: SEQ + 1 }) })).toBe("stale");
});

test("without a clock, with a damaged one or another server's everything is lost", () => {
  expect(standing({ clock: null })).toBe("lost");
  expect(standing({ clock: Buffer.from("x") })).toBe("lost");
  expect(standing({}, 50, "b".repeat(40))).toBe("lost");
});

test("by the records of prefixes, declared tags and its own", () => {
  const ways: Record<string, (one: Buffer | null) => Partial<Look>> = {
    prefix: (one) => ({ prefixes: ["u:"], records: [one] }),
    declared: (one) => ({ declared: ["t"], records: [one], entry: entry("0", ["t"]) }),
    notItsOwn: (one) => ({ declared: ["t"], records: [one] }),
    own: (one) => ({ tagRecords: [one], entry: entry("0", ["t"]) }),
    guessed: (one) => ({ guessed: ["t"], tagRecords: [one], entry: entry("0", ["t"]) }),
  };
  for (const look of Object.values(ways)) {
    expect(standing(look(record(SEQ, SEQ)))).toBe("fresh");
    expect(standing(look(record(SEQ + 1, 0)))).toBe("absent");
    expect(standing(look(record(0, SEQ + 1)))).toBe("stale");
    expect(standing(look(null))).toBe("absent");
    expect(standing(look(record(0, 0, "0".repeat(16))))).toBe("absent");
    expect(standing(look(record(0, 0).subarray(0, 40)))).toBe("absent");
    expect(standing(look(Buffer.from(String(record(0, 0)).replace("0 0", "0x0"))))).toBe("absent");
    expect(standing(look(Buffer.from(String(record(0, 0)).replace(/ 0/, " x"))))).toBe("absent");
  }
  expect(standing({ entry: entry("0", ["t"]) })).toBe("undeclared");
  expect(standing({ entry: entry("0", ["t"]), guessed: ["s"], tagRecords: [record(0, 0)] })).toBe(
    "undeclared",
  );
  // A wrong guess is not judged where nothing of it is needed.
  expect(standing({ guessed: ["s"], tagRecords: [null] })).toBe("fresh");
});

test("a clock is what was written, or none", () => {
  const bytes = clockBytes({});
  expect(parseClock(bytes)).toEqual(clock);
  const read = clockReader();
  expect(read(Buffer.from(bytes))).toBe(read(bytes));
  expect(read(clockBytes({ head: 5 }))?.head).toBe(5);
  for (const text of [
    "",
    `${bytes} `,
    ` ${bytes}`,
    `${bytes}\n`,
    "x".repeat(1_000),
    String(bytes).slice(1),
  ]) {
    expect(parseClock(Buffer.from(text))).toBeUndefined();
  }
});

test("the log's entries hold any string; what is foreign is undefined", () => {
  const names = { how: "expired", keys: ["\ud800", 'a"\n'], tags: [], prefixes: ["p:"] } as const;
  expect(decodeLogBody(encodeInvalidated("n", names))).toEqual({
    kind: "invalidated",
    node: "n",
    ...names,
  });
  expect(decodeLogBody(encodeWake(["\udfff"]))).toEqual({ kind: "wake", keys: ["\udfff"] });
  for (const foreign of [
    "",
    "{",
    "null",
    "3",
    "[]",
    '["n","toString",[],[],[]]',
    '{"w":[1]}',
    '["n","d",[1],[],[]]',
  ]) {
    expect(decodeLogBody(Buffer.from(foreign))).toBeUndefined();
  }
});

test("large invalidations are cut, and nothing is lost or said twice", () => {
  const list = (letter: string, count: number) =>
    Array.from({ length: count }, (_, i) => letter + i);
  const whole = {
    how: "deleted",
    keys: list("k", 1_700),
    tags: list("t", 900),
    prefixes: list("p", 3),
  } as const;
  const parts = partsOf(whole);
  expect(parts.map((one) => one.keys.length + one.tags.length + one.prefixes.length)).toEqual([
    1_000, 1_000, 603,
  ]);
  expect(parts.flatMap((one) => one.keys)).toEqual(whole.keys);
  expect(parts.flatMap((one) => one.tags)).toEqual(whole.tags);
  expect(parts.flatMap((one) => one.prefixes)).toEqual(whole.prefixes);
  expect(partsOf({ how: "cleared", keys: [], tags: [], prefixes: [] })).toHaveLength(1);
});
