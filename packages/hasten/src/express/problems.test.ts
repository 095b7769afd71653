import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type RequestHandler } from "express";
import { expect, test } from "vitest";
import { HastenError } from "../core/errors.ts";
import { ProblemError } from "../core/problem.ts";
import { type ProblemsOptions, problems } from "./problems.ts";

process.env["NODE_ENV"] = "test";

interface Reply {
  readonly status: number;
  readonly type: string | null;
  readonly retryAfter: string | null;
  readonly body: Record<string, unknown>;
}

async function answerOf(
  handler: RequestHandler,
  init: RequestInit = {},
  options: ProblemsOptions = {},
): Promise<Reply> {
  const app = express();
  app.use(express.json({ limit: 100 }));
  app.all("/x", handler);
  app.use(problems(options));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const res = await fetch(`http://127.0.0.1:${port}/x?secret=1`, init);
  const body = (await res.json()) as Record<string, unknown>;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const { status, headers } = res;
  return {
    status,
    type: headers.get("content-type"),
    retryAfter: headers.get("retry-after"),
    body,
  };
}

test("a ProblemError is rendered as it says, with its headers", async () => {
  const reply = await answerOf(() => {
    const problem = { type: "https://x.example/down", title: "Down", status: 503, since: 7 };
    throw new ProblemError(problem, { "Retry-After": "5" });
  });
  expect(reply).toEqual({
    status: 503,
    type: "application/problem+json",
    retryAfter: "5",
    body: { type: "https://x.example/down", title: "Down", status: 503, since: 7, instance: "/x" },
  });
});

test("an unknown error is a 500 that tells nothing, and is reported", async () => {
  const reported: unknown[] = [];
  const reply = await answerOf(
    async () => {
      throw new Error("password=hunter2 at db.internal");
    },
    {},
    { onError: (error) => reported.push(error) },
  );
  expect(reply.status).toBe(500);
  expect(JSON.stringify(reply.body)).not.toMatch(/hunter2|stack|internal:/);
  expect(reported).toHaveLength(1);
});

test("a HastenError is a 500 with its code only", async () => {
  const reply = await answerOf(() => {
    throw new HastenError("HST_TEST", "The secret is 7.", "Do not tell.");
  });
  expect([reply.status, reply.body["code"]]).toEqual([500, "HST_TEST"]);
  expect(JSON.stringify(reply.body)).not.toContain("secret is");
});

const BODIES = [
  { name: "malformed JSON", body: '{"a":', type: "", status: 400, title: "Malformed body" },
  {
    name: "a large body",
    body: `"${"x".repeat(200)}"`,
    type: "",
    status: 413,
    title: "Body too large",
  },
  {
    name: "an unknown charset",
    body: "{}",
    type: "; charset=x",
    status: 415,
    title: "Unsupported charset",
  },
];

test.each(BODIES)("$name is a 4xx of its own", async ({ body, type, status, title }) => {
  const headers = { "content-type": `application/json${type}` };
  const reply = await answerOf((_req, res) => void res.json({}), { method: "POST", body, headers });
  expect([reply.status, reply.body["title"], reply.type]).toEqual([
    status,
    title,
    "application/problem+json",
  ]);
  expect(JSON.stringify(reply.body)).not.toContain("stack");
});

test("errors of one's own can be turned into problems", async () => {
  const reply = await answerOf(
    () => {
      throw new RangeError("no such page");
    },
    {},
    {
      toProblem: (error) =>
        error instanceof RangeError
          ? { type: "about:blank", title: "Gone", status: 410 }
          : undefined,
    },
  );
  expect(reply.status).toBe(410);
});
