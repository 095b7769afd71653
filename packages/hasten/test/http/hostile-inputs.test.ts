// What an answer may depend on, read by every way there is, and keys that pose as one another.
import type { RequestHandler } from "express";
import { cached } from "hasten/express";
import { expect, test } from "vitest";
import type { ExtendedRequest } from "../../src/http/response-cache/reads.ts";
import { createRequestKeys } from "../../src/http/response-cache/request-key.ts";
import { startApp } from "./app.ts";

const text = (value: unknown): string => String(value);

test.each<[string, RequestHandler, RequestHandler]>([
  [
    "a user that is a plain name",
    (req, _res, next) => {
      Object.assign(req, { user: req.headers["x-api-key"] });
      next();
    },
    (req, res) => void res.json({ who: Reflect.get(req, "user") }),
  ],
  [
    "a session behind an accessor",
    (req, _res, next) => {
      const session = { who: req.headers["x-api-key"] };
      Object.defineProperty(req, "session", { configurable: true, get: () => session });
      next();
    },
    (req, res) => void res.json({ who: Reflect.get(req, "session").who }),
  ],
  [
    "the raw header",
    (_req, _res, next) => next(),
    (req, res) => void res.json({ who: req.rawHeaders[req.rawHeaders.indexOf("x-api-key") + 1] }),
  ],
  [
    "the distinct header",
    (_req, _res, next) => next(),
    (req, res) => void res.json({ who: req.headersDistinct["x-api-key"] }),
  ],
  [
    "the claims of a token",
    (req, _res, next) => {
      Object.assign(req, { auth: { sub: req.headers["x-api-key"] } });
      next();
    },
    (req, res) => void res.json({ who: Reflect.get(req, "auth").sub }),
  ],
])("an answer made from %s is not given to others", async (_name, authenticate, handler) => {
  await using it = await startApp((app, responses) => {
    app.get("/me", authenticate, cached(responses), handler);
  });
  expect((await it.get("/me", { "x-api-key": "alice" })).text).toContain("alice");
  expect((await it.get("/me", { "x-api-key": "bob" })).text).toContain("bob");
  expect(it.responses.stats().stored).toBe(0);
});

test("a frozen user with methods, and its class, are to the handler what they were", async () => {
  class User {
    readonly id = "u1";
    readonly #role = "admin";
    can = (): boolean => this.#role === "admin";
    role(): string {
      return this.#role;
    }
  }
  await using it = await startApp((app, responses) => {
    const authenticate: RequestHandler = (req, _res, next) => {
      Object.assign(req, { user: Object.freeze(new User()) });
      next();
    };
    app.get("/me", authenticate, cached(responses, { scope: "user" }), (req, res) => {
      const user = Reflect.get(req, "user") as User;
      res.json([user.can(), user.role(), user.constructor === User, user instanceof User]);
    });
  });
  expect((await it.get("/me")).text).toBe('[true,"admin",true,true]');
  expect((await it.get("/me")).headers["x-cache"]).toBe("HIT");
});

test("what outer hooks read while the answer goes out is not the handler's doing", async () => {
  await using it = await startApp((app, responses) => {
    app.use((req, res, next) => {
      Object.assign(req, { session: { views: 1 } });
      const { writeHead, end } = res;
      const touch = (): unknown => JSON.stringify(Reflect.get(req, "session"));
      Object.assign(res, {
        writeHead(...args: [number]) {
          touch();
          return writeHead.apply(res, args);
        },
        end(...args: Parameters<typeof end>) {
          touch();
          return end.apply(res, args);
        },
      });
      next();
    });
    app.get("/v", cached(responses, { shared: true }), (_req, res) => void res.json({ v: 1 }));
  });
  await it.get("/v");
  expect((await it.get("/v")).headers["x-cache"]).toBe("HIT");
  expect(it.notices).toEqual([]);
});

test.each<[string, (req: ExtendedRequest) => unknown]>([
  ["null", () => null],
  ["an object", (req) => ({ who: req.headers["x-who"] })],
  ["a promise", async (req) => text(req.headers["x-who"])],
])("a scope or key function that returns %s caches nothing", async (_name, of) => {
  await using it = await startApp((app, responses) => {
    const answer: RequestHandler = (req, res) => void res.json({ who: req.headers["x-who"] });
    app.get("/scope", cached(responses, { scope: of as () => string }), answer);
    app.get("/key", cached(responses, { key: of as () => string }), answer);
  });
  for (const path of ["/scope", "/key"]) {
    expect((await it.get(path, { "x-who": "alice" })).headers["x-cache"]).toBe("BYPASS");
    expect((await it.get(path, { "x-who": "bob" })).text).toContain("bob");
  }
});

test("one custom key on two routes is two entries", async () => {
  await using it = await startApp((app, responses) => {
    for (const kind of ["users", "orders"]) {
      const key = (req: { params: unknown }): string => text(Reflect.get(Object(req.params), "id"));
      app.get(`/${kind}/:id`, cached(responses, { key }), (_req, res) => void res.json({ kind }));
    }
  });
  expect((await it.get("/users/1")).text).toContain("users");
  expect((await it.get("/orders/1")).text).toContain("orders");
});

test("a custom key cannot pose as another with a request field, nor an absolute URL as either", () => {
  const keys = createRequestKeys("http");
  const request = (language: string): ExtendedRequest =>
    ({ headers: { "accept-language": language } }) as unknown as ExtendedRequest;
  const keyOf = (custom: string, language: string): unknown =>
    keys.of(request(language), "/x", { key: () => custom, vary: ["accept-language"] }, "GET /");
  expect(keyOf("x", "en 2=de")).not.toBe(keyOf("x 7=en", "de"));
  expect(keys.of(request("en"), "kx://host/path", {}, "GET /")).toEqual({ bypass: "uri-form" });
});

test("what the query allow-list drops reaches the handler by no name", async () => {
  const logged: string[] = [];
  await using it = await startApp((app, responses) => {
    app.use((req, res, next) => {
      res.once("finish", () => logged.push(req.originalUrl));
      next();
    });
    app.get("/list", cached(responses, { query: ["page"] }), (req, res) => {
      res.json({ self: req.originalUrl, url: req.url, query: req.query });
    });
  });
  const poisoned = await it.get("/list?utm=evil&page=1");
  expect(poisoned.text).not.toContain("evil");
  const clean = await it.get("/list?page=1");
  expect([clean.headers["x-cache"], clean.text]).toEqual(["HIT", poisoned.text]);
  // Logs still show what was asked for.
  expect(logged[0]).toBe("/list?utm=evil&page=1");
});

test("a field named in capitals keeps requests apart", async () => {
  await using it = await startApp((app, responses) => {
    app.get("/r", cached(responses, { shared: true, vary: ["Authorization", "X-Tenant"] }), ((
      req,
      res,
    ) => {
      res.json({ who: req.headers.authorization, tenant: req.headers["x-tenant"] });
    }) satisfies RequestHandler);
  });
  const asked = async (authorization: string, tenant: string): Promise<string> =>
    (await it.get("/r", { authorization, "x-tenant": tenant })).text;
  for (let round = 0; round < 2; round++)
    for (const who of ["a", "b"])
      for (const tenant of ["x", "y"])
        expect(await asked(who, tenant)).toBe(JSON.stringify({ who, tenant }));
});
