import { afterAll, beforeAll, expect, test } from "vitest";
import { ROLES } from "../../src/api/auth/tokens.ts";
import { type Fixture, PASSWORD, startFixture } from "./fixture.ts";

let api: Fixture;

beforeAll(async () => {
  api = await startFixture();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const login = (email: unknown, password: unknown) =>
  api.call("POST", "/api/v1/auth/login", { as: "nobody", body: { email, password } });

test.each(ROLES)("the %s logs in and is who the token says", async (role) => {
  const answer = await login(`${role}@example.com`, PASSWORD);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.body).toEqual({
    token: expect.any(String),
    token_type: "Bearer",
    expires_in: 3_600,
  });
  const me = await api.call("GET", "/api/v1/me", { token: answer.body.token });
  expect(me.body).toMatchObject({ email: `${role}@example.com`, role });
});

test("a wrong password and an unknown address are answered alike", async () => {
  const wrong = await login("viewer@example.com", "wrong");
  const unknown = await login("nobody@example.com", "wrong");
  expect([wrong.status, unknown.status]).toEqual([401, 401]);
  expect(wrong.body).toEqual(unknown.body);
  expect(wrong.headers.get("www-authenticate")).toBe('Bearer realm="metrics-api"');
});

test("an unknown address costs the time of a password check", async () => {
  const timed = async (email: string): Promise<number> => {
    const startedMs = performance.now();
    await login(email, "wrong");
    return performance.now() - startedMs;
  };
  const known: number[] = [];
  const unknown: number[] = [];
  for (let count = 0; count < 5; count++) {
    known.push(await timed("editor@example.com"));
    unknown.push(await timed(`u${count}@example.com`));
  }
  const ratio = Math.min(...unknown) / Math.min(...known);
  expect(ratio).toBeGreaterThan(0.5);
  expect(ratio).toBeLessThan(2);
});

test("many failures for one account are answered 429 with Retry-After, others go on", async () => {
  for (let count = 0; count < 10; count++) await login("admin@example.com", `wrong ${count}`);
  const refused = await login("admin@example.com", PASSWORD);
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await login("viewer@example.com", PASSWORD)).status).toBe(200);
});

test("credentials of wrong types are refused by field", async () => {
  const answer = await login(7, ["x"]);
  expect([answer.status, answer.body.errors.map((one: { field: string }) => one.field)]).toEqual([
    400,
    ["/email", "/password"],
  ]);
  expect((await login("viewer@example.com", "x".repeat(201))).status).toBe(400);
});

test("no token, another scheme and a forged token are 401 with a challenge", async () => {
  const forged = `${api.tokens.admin.slice(0, -2)}xx`;
  const cases = [
    [undefined, 'Bearer realm="metrics-api"'],
    ["Basic dmlld2VyOng=", 'Bearer realm="metrics-api"'],
    [`Bearer ${forged}`, 'Bearer realm="metrics-api", error="invalid_token"'],
    ["Bearer", 'Bearer realm="metrics-api"'],
  ] as const;
  for (const [authorization, challenge] of cases) {
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await api.call("GET", "/api/v1/metrics", { as: "nobody", headers });
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, challenge]);
    expect(answer.headers.get("content-type")).toMatch(/problem\+json/);
  }
});

test("a role that is too low is 403 and says which is needed", async () => {
  const answer = await api.call("GET", "/api/v1/users");
  expect(answer.status).toBe(403);
  expect(answer.headers.get("www-authenticate")).toContain(
    'error="insufficient_scope", scope="admin"',
  );
});

test("administration is for administrators", async () => {
  for (const [method, path] of [
    ["GET", "/api/v1/admin/storage"],
    ["POST", "/api/v1/admin/storage"],
    ["GET", "/api/v1/admin/cache"],
    ["GET", "/api/v1/admin/requests"],
  ] as const) {
    const body = method === "POST" ? { mode: "local" } : undefined;
    const options = body === undefined ? {} : { body };
    expect((await api.call(method, path, { as: "nobody", ...options })).status).toBe(401);
    expect((await api.call(method, path, { as: "editor", ...options })).status).toBe(403);
    const answer = await api.call(method, path, { as: "admin", ...options });
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
  }
});

test("a refused change of storage is a problem with its reason", async () => {
  const { storage } = api;
  const switchTo = () =>
    api.call("POST", "/api/v1/admin/storage", { as: "admin", body: { mode: "postgres" } });
  expect((await switchTo()).body).toEqual({ kind: "unchanged", mode: "local" });
  storage.switchOutcome = { kind: "refused", status: 409, reason: "attached", detail: "Another." };
  const refused = await switchTo();
  expect(refused.status).toBe(409);
  expect(refused.body).toMatchObject({ reason: "attached", detail: "Another." });
  storage.switchOutcome = { kind: "switched", from: "local", to: "postgres", rows: 3, tookMs: 5 };
  expect((await switchTo()).body).toMatchObject({ kind: "switched", rows: 3 });
  const unknown = { as: "admin", body: { mode: "moon" } } as const;
  expect((await api.call("POST", "/api/v1/admin/storage", unknown)).status).toBe(400);
});
