import { expect, test } from "vitest";
import { checkedAddress, parseRedisUrl } from "./address.ts";
import { redisDriver } from "./driver.ts";

test("a URL names host, port, user, password, database and TLS", () => {
  expect(parseRedisUrl("redis://me:p%3A%40%20%25@[::1]:7000/3")).toEqual({
    host: "::1",
    port: 7000,
    username: "me",
    password: "p:@ %",
    db: 3,
    tls: undefined,
  });
  expect(parseRedisUrl("rediss://example.test")).toMatchObject({ port: 6379, db: 0, tls: {} });
  expect(parseRedisUrl("redis://:x@h?db=2")).toMatchObject({
    username: undefined,
    password: "x",
    db: 2,
  });
});

test("an address may come from the environment: text, empty where unset", () => {
  expect(checkedAddress({ host: "h", port: "6380", password: "", db: "1" })).toEqual({
    host: "h",
    port: 6380,
    username: undefined,
    password: undefined,
    db: 1,
    tls: undefined,
  });
});

test.each([
  ["http://h", "HST_REDIS_OPTION"],
  ["nothing", "HST_REDIS_OPTION"],
  ["redis://h/x", "HST_REDIS_OPTION"],
  [{ host: "", password: "secret" }, "HST_REDIS_OPTION"],
  [{ port: 0 }, "HST_REDIS_OPTION"],
  [{ port: "" }, "HST_REDIS_OPTION"],
  [{ db: -1 }, "HST_REDIS_OPTION"],
  [{ hots: "h" }, "HST_REDIS_DRIVER"],
  [new (class Client {})(), "HST_REDIS_DRIVER"],
  [Object.create({ sendCommand: () => undefined }), "HST_REDIS_DRIVER"],
  [undefined, "HST_REDIS_DRIVER"],
  [7, "HST_REDIS_DRIVER"],
])("%j is refused", (source, code) => {
  expect(() => redisDriver(source as string)).toThrow(expect.objectContaining({ code }));
});

test("messages do not show the password", () => {
  for (const url of ["redis://u:secret@h:99999", "redis://u:secret@h/x", "htp://u:secret@h"]) {
    expect(() => parseRedisUrl(url)).toThrow(expect.not.stringContaining("secret"));
    try {
      parseRedisUrl(url);
    } catch (error) {
      expect(String(error)).not.toContain("secret");
    }
  }
});
