import { expect, test } from "vitest";
import { Captures } from "./captures.ts";

test("the newest sample that is not after the time asked for", () => {
  const captures = new Captures();
  expect(captures.at(1)).toBeUndefined();
  captures.note(10, "e", 1);
  captures.note(20, "e", 2);
  captures.note(30, "e", 3);
  expect(captures.at(9.9)).toBeUndefined();
  expect(captures.at(10)).toEqual({ epoch: "e", seq: 1 });
  expect(captures.at(29)).toEqual({ epoch: "e", seq: 2 });
  expect(captures.at(1e9)).toEqual({ epoch: "e", seq: 3 });
});

test("another epoch empties it", () => {
  const captures = new Captures();
  captures.note(10, "e", 1);
  captures.note(20, "f", 2);
  expect(captures.at(19)).toBeUndefined();
  expect(captures.at(20)).toEqual({ epoch: "f", seq: 2 });
  captures.clear();
  expect(captures.at(20)).toBeUndefined();
});

test("bounded: fine for the last half second, coarse for minutes, never one that is too new", () => {
  const captures = new Captures();
  const lastMs = 400_000;
  for (let ms = 0; ms <= lastMs; ms++) captures.note(ms, "e", ms);
  for (const atMs of [lastMs, lastMs - 100, lastMs - 400]) {
    const { seq } = captures.at(atMs)!;
    expect(seq).toBeLessThanOrEqual(atMs);
    expect(seq).toBeGreaterThan(atMs - 3);
  }
  for (const atMs of [lastMs - 5_000, lastMs - 250_000]) {
    const { seq } = captures.at(atMs)!;
    expect(seq).toBeLessThanOrEqual(atMs);
    expect(seq).toBeGreaterThan(atMs - 300);
  }
  expect(captures.at(lastMs - 300_000)).toBeUndefined();
});
