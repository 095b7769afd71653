import { expect, test } from "vitest";
import { tell } from "./tell.ts";

test("a listener that throws does not stop the one who tells; its error is uncaught", async () => {
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const uncaught = new Promise((resolve) => process.once("uncaughtException", resolve));
  const mine = new Error("mine");
  tell(() => {
    throw mine;
  }, "event");
  expect(await uncaught).toBe(mine);
  for (const listener of before) process.on("uncaughtException", listener);
});
