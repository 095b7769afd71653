import { expect, test } from "vitest";
import type { PgDriver } from "../driver.ts";
import { createDirect } from "./direct.ts";

test("a prepared statement's name is its text's: behind a pooler another connection may have prepared it", async () => {
  const sent: { readonly name?: string; readonly text: string }[] = [];
  class Client {
    connect(): Promise<void> {
      return Promise.resolve();
    }
    query(statement: { readonly name?: string; readonly text: string }) {
      sent.push(statement);
      return Promise.resolve({ rows: [] });
    }
    end(): Promise<void> {
      return Promise.resolve();
    }
    on(): void {}
  }
  const driver = { Client } as unknown as PgDriver;
  const [one, other] = ["a", "b"].map((applicationName) =>
    createDirect({ url: "postgres://localhost/shop", driver, applicationName }),
  );
  const texts = ["first", "second"].map((word) => `select 1 -- ${word.padEnd(1_000, ".")}`);
  for (const text of texts) await one!.run(text);
  for (const text of texts.toReversed()) await other!.run(text);
  await other!.run("select 2");
  const [first, second] = texts;
  const named = (text: string | undefined) =>
    sent.filter((it) => it.text === text).map((it) => it.name);
  expect(new Set(named(first)).size).toBe(1);
  expect(named(first)).not.toEqual(named(second));
  expect(named(first)[0]).toMatch(/^hasten_.{32}$/);
  expect(named("select 2")).toEqual([undefined]);
});
