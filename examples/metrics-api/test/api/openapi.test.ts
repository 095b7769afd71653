import { afterAll, beforeAll, expect, test } from "vitest";
import { RESOURCES } from "../../src/api/resources/definitions.ts";
import { cursorPagination, offsetPagination, problem } from "../../src/api/schema/common.ts";
import { metricStatistics } from "../../src/api/schema/metric.ts";
import { aMetric, BOUND_MS, type Fixture, startFixture } from "./fixture.ts";

let api: Fixture;
// biome-ignore lint/suspicious/noExplicitAny: a document of open shape.
let document: any;

beforeAll(async () => {
  api = await startFixture();
  document = (await api.call("GET", "/openapi.json", { as: "nobody" })).body;
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

interface Operation {
  readonly operationId: string;
  readonly security?: unknown;
  readonly parameters?: readonly { name: string; in: string }[];
  readonly requestBody?: { content: Record<string, unknown> };
  readonly responses: Record<string, unknown>;
}

const operations = (): [method: string, path: string, operation: Operation][] =>
  Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
      method,
      path,
      operation,
    ]),
  );

test("the document is OpenAPI 3.1 whose references all lead somewhere", () => {
  expect(document.openapi).toBe("3.1.0");
  expect(document.info).toMatchObject({ title: "Metrics API", version: expect.any(String) });
  const text = JSON.stringify(document);
  const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
  expect(references.length).toBeGreaterThan(20);
  for (const [, name] of references) expect(document.components.schemas).toHaveProperty(name!);
  expect(text).not.toContain("password_hash");
  expect(document.components.schemas.User.properties).not.toHaveProperty("password");
  expect(document.components.schemas.UserInput.properties).toHaveProperty("password");
});

test("operations have unique ids, described replies, and every parameter of their path", () => {
  const ids = operations().map(([, , operation]) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [method, path, operation] of operations()) {
    expect(Object.keys(operation.responses).length).toBeGreaterThan(1);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = (operation.parameters ?? []).filter((one) => one.in === "path");
    expect(declared.map((one) => one.name)).toEqual(inPath);
    expect(operation.requestBody !== undefined).toBe(["post", "put", "patch"].includes(method));
  }
});

test("every operation answers, and only those with a security requirement ask for a token", async () => {
  const { id } = (await api.call("POST", "/api/v1/metrics", { as: "editor", body: aMetric() }))
    .body;
  for (const [method, path, operation] of operations()) {
    const url = path.replace("{id}", id);
    const options = method === "get" || method === "delete" ? {} : { body: {} };
    const open = await api.call(method.toUpperCase(), url, { as: "nobody", ...options });
    expect([method, path, open.status === 401]).toEqual([
      method,
      path,
      operation.security !== undefined,
    ]);
    const answer = await api.call(method.toUpperCase(), url, { as: "admin", ...options });
    expect(answer.status).toBeLessThan(500);
    if (answer.status === 404) expect(answer.body.detail).toContain("with this id");
    if (answer.status >= 400) expect(answer.body.status).toBe(answer.status);
  }
});

test("what is answered has the shape that is documented", async () => {
  const domain = { name: "Shape", description: "", owner_team: "t" };
  const { body } = await api.call("POST", "/api/v1/domains", { as: "editor", body: domain });
  const objective = { name: "O", description: "", domain_id: body.id, timeframe: "2026" };
  await api.call("POST", "/api/v1/objectives", { as: "editor", body: objective });
  await api.call("POST", "/api/v1/metrics", { as: "editor", body: aMetric() });
  for (const { name, output } of RESOURCES) {
    const list = await api.call("GET", `/api/v1/${name}`, { as: "admin" });
    expect(list.body.data.length).toBeGreaterThan(0);
    for (const row of list.body.data) output.strict().parse(row);
    offsetPagination.strict().parse(list.body.pagination);
    const item = await api.call("GET", `/api/v1/${name}/${list.body.data[0].id}`, { as: "admin" });
    output.strict().parse(item.body);
    const walk = await api.call("GET", `/api/v1/${name}?cursor=`, { as: "admin" });
    cursorPagination.strict().parse(walk.body.pagination);
  }
  metricStatistics.strict().parse((await api.call("GET", "/api/v1/metrics/stats")).body);
  const refused = await api.call("GET", "/api/v1/metrics?unknown=1");
  problem.parse(refused.body);
});

test("every documented filter, sort and page parameter is accepted as documented", () => {
  const { parameters } = document.paths["/api/v1/metrics"].get;
  const names = parameters.map((one: { name: string }) => one.name);
  expect(names).toEqual(
    expect.arrayContaining(
      "category tier owner business_domain tags q sortField sortOrder page limit cursor fields".split(
        " ",
      ),
    ),
  );
});

test("the page to try it is served from here alone, under a policy that allows nothing else", async () => {
  const page = await api.call("GET", "/docs", { as: "nobody" });
  expect(page.status).toBe(200);
  expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
  expect(page.text).not.toMatch(/https?:\/\//);
  const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
  expect(assets.length).toBeGreaterThan(3);
  for (const asset of assets) {
    const answer = await api.call("GET", asset, { as: "nobody" });
    expect([asset, answer.status]).toEqual([asset, 200]);
  }
  expect((await api.call("GET", "/docs/../package.json", { as: "nobody" })).status).toBe(404);
  expect((await api.call("GET", "/docs/index.html", { as: "nobody" })).status).toBe(404);
});

test("the process says that it lives, that it is ready and what it promises, and nothing else about itself", async () => {
  expect((await api.call("GET", "/healthz", { as: "nobody" })).body).toEqual({ status: "ok" });
  const ready = await api.call("GET", "/readyz", { as: "nobody" });
  expect(ready.body).toEqual({
    status: "ok",
    database: "ok",
    draining: false,
    coherence: {
      state: "live",
      promise: "stream",
      bound_ms: BOUND_MS,
      confirmed_ago_ms: expect.any(Number),
    },
  });
  expect(ready.headers.get("x-powered-by")).toBeNull();
});

test("requests are timed by route, with what the database cost", async () => {
  const { id } = (await api.call("POST", "/api/v1/metrics", { as: "editor", body: aMetric() }))
    .body;
  await api.call("GET", `/api/v1/metrics/${id}`);
  const { body } = await api.call("GET", "/api/v1/admin/requests", { as: "admin" });
  expect(JSON.stringify(body)).toContain("/api/v1/metrics/:id");
  const asked = { headers: { "x-server-timing": "1" } };
  const timed = await api.call("GET", "/api/v1/metrics?limit=3", asked);
  expect(timed.headers.get("server-timing")).toMatch(/dur=/);
  const open = await api.call("GET", "/api/v1/metrics?limit=3", { as: "nobody", ...asked });
  expect(open.headers.get("server-timing")).toBeNull();
  expect(
    (await api.call("GET", "/api/v1/metrics?limit=3")).headers.get("server-timing"),
  ).toBeNull();
});

test("a process that is stopping says that it is not ready, and still answers", async () => {
  await using stopping = await startFixture({ deps: { isDraining: () => true } });
  const ready = await stopping.call("GET", "/readyz", { as: "nobody" });
  expect([ready.status, ready.body.draining]).toEqual([503, true]);
  expect((await stopping.call("GET", "/healthz", { as: "nobody" })).status).toBe(200);
  expect((await stopping.call("GET", "/api/v1/metrics")).status).toBe(200);
});
