import { expect, test } from "vitest";
import { createLoginAttempts } from "./attempts.ts";

const wrong = async (): Promise<undefined> => undefined;

test("after the last allowed failure a subject is refused without any check, until the window ends", async () => {
  let nowMs = 0;
  const attempts = createLoginAttempts({ failuresMax: 3, windowMs: 1_000, nowMs: () => nowMs });
  for (let count = 0; count < 3; count++) {
    expect(await attempts.run("a", wrong)).toEqual({ kind: "rejected" });
  }
  nowMs = 400;
  const unexpected = async (): Promise<never> => {
    throw new Error("a check was made");
  };
  expect(await attempts.run("a", unexpected)).toEqual({ kind: "refused", retryAfterMs: 600 });
  expect(await attempts.run("b", wrong)).toEqual({ kind: "rejected" });
  nowMs = 1_000;
  expect(await attempts.run("a", async () => 7)).toEqual({ kind: "accepted", value: 7 });
});

test("a success forgets earlier failures", async () => {
  const attempts = createLoginAttempts({ failuresMax: 2 });
  await attempts.run("a", wrong);
  await attempts.run("a", async () => 1);
  await attempts.run("a", wrong);
  expect(await attempts.run("a", async () => 2)).toEqual({ kind: "accepted", value: 2 });
});

test("checks beyond those that may run wait, and beyond those that may wait are turned away", async () => {
  const attempts = createLoginAttempts({ runningMax: 1, waitingMax: 1 });
  const gate = Promise.withResolvers<number>();
  const first = attempts.run("a", () => gate.promise);
  const second = attempts.run("b", async () => 2);
  expect((await attempts.run("c", wrong)).kind).toBe("busy");
  gate.resolve(1);
  expect(await first).toEqual({ kind: "accepted", value: 1 });
  expect(await second).toEqual({ kind: "accepted", value: 2 });
  expect(await attempts.run("c", async () => 3)).toEqual({ kind: "accepted", value: 3 });
});

test("a check that throws gives its place back", async () => {
  const attempts = createLoginAttempts({ runningMax: 1, waitingMax: 0 });
  const failing = attempts.run("a", async () => Promise.reject(new Error("database down")));
  await expect(failing).rejects.toThrow("database down");
  expect((await attempts.run("a", async () => 1)).kind).toBe("accepted");
});
