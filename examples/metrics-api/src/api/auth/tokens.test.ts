import { SignJWT } from "jose";
import { expect, test } from "vitest";
import { createTokens } from "./tokens.ts";

const secret = "s".repeat(32);
const identity = { id: "u1", email: "a@example.com", role: "editor" } as const;

test("a token gives back the identity it was issued for, remembered after the first check", async () => {
  const tokens = createTokens({ secret });
  const { token, expiresInMs } = await tokens.issue(identity);
  expect(expiresInMs).toBe(3_600_000);
  expect(tokens.known(token)).toBeUndefined();
  expect(await tokens.verify(token)).toEqual(identity);
  expect(tokens.known(token)).toEqual(identity);
});

test("a remembered token ends with its time, not later", async () => {
  let nowMs = 1_767_225_600_000;
  const tokens = createTokens({ secret, ttlMs: 60_000, nowMs: () => nowMs });
  const { token } = await tokens.issue(identity);
  await tokens.verify(token);
  nowMs += 59_999;
  expect(tokens.known(token)).toEqual(identity);
  nowMs += 1;
  expect(tokens.known(token)).toBeUndefined();
  expect(await tokens.verify(token)).toBeUndefined();
});

test("tokens of another key, another algorithm, another issuer or without expiry are refused", async () => {
  const tokens = createTokens({ secret });
  const key = new TextEncoder().encode(secret);
  const claims = { email: "a@example.com", role: "admin" };
  const other = await createTokens({ secret: "t".repeat(32) }).issue(identity);
  const make = () => new SignJWT(claims).setSubject("u1").setIssuer("metrics-api");
  const hs512 = await make().setProtectedHeader({ alg: "HS512" }).setExpirationTime("1h").sign(key);
  const endless = await make().setProtectedHeader({ alg: "HS256" }).sign(key);
  const foreign = await new SignJWT(claims)
    .setSubject("u1")
    .setIssuer("elsewhere")
    .setExpirationTime("1h")
    .setProtectedHeader({ alg: "HS256" })
    .sign(key);
  const none = `${btoa('{"alg":"none"}')}.${btoa('{"sub":"u1","role":"admin"}')}.`;
  for (const token of [
    other.token,
    hs512,
    endless,
    foreign,
    none,
    "",
    "a.b.c",
    "x".repeat(9_999),
  ]) {
    expect(await tokens.verify(token)).toBeUndefined();
    expect(tokens.known(token)).toBeUndefined();
  }
});

test("no more tokens are remembered than allowed", async () => {
  let nowMs = 1_767_225_600_000;
  const tokens = createTokens({ secret, rememberedMax: 3, nowMs: () => nowMs });
  const issued: string[] = [];
  for (let count = 0; count < 5; count++) {
    const { token } = await tokens.issue({ ...identity, id: `u${count}` });
    await tokens.verify(token);
    issued.push(token);
    nowMs += 1_000;
  }
  expect(issued.map((token) => tokens.known(token) !== undefined)).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
});

test("a short secret is refused at the start", () => {
  expect(() => createTokens({ secret: "short" })).toThrow("at least 32 bytes");
});

test("a demo account's token is refused once its storage is no longer in use", async () => {
  let demoExists = true;
  const tokens = createTokens({ secret, demoExists: () => demoExists });
  const demo = await tokens.issue({ ...identity, demo: true });
  const own = await tokens.issue(identity);
  expect(await tokens.verify(demo.token)).toEqual({ ...identity, demo: true });
  await tokens.verify(own.token);
  demoExists = false;
  expect(tokens.known(demo.token)).toBeUndefined();
  expect(await tokens.verify(demo.token)).toBeUndefined();
  expect(tokens.known(own.token)).toEqual(identity);
});
