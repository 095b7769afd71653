import { expect, test } from "vitest";
import { hashPassword, verifyPassword } from "./password.ts";

test("a password matches its own hash and no other", async () => {
  const stored = await hashPassword("correct horse");
  expect(stored).toMatch(/^scrypt\$16384\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
  expect(await verifyPassword("correct horse", stored)).toBe(true);
  expect(await verifyPassword("correct horsE", stored)).toBe(false);
});

test("equal passwords have different hashes", async () => {
  expect(await hashPassword("same")).not.toBe(await hashPassword("same"));
});

test("an unknown user and an unreadable hash never match, and cost a hash each", async () => {
  const startedMs = performance.now();
  expect(await verifyPassword("anything", undefined)).toBe(false);
  expect(await verifyPassword("anything", "bcrypt$nonsense")).toBe(false);
  expect(performance.now() - startedMs).toBeGreaterThan(5);
});
