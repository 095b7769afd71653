/** Statements as spans of OpenTelemetry's own SDK, on a real server. */
import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { createCache } from "hasten/cache";
import { traceStatements } from "hasten/opentelemetry";
import { createDatabase, type Database, observe, sql } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { inTrace, Trace } from "../../../src/core/trace/index.ts";

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer("test");
const active = new AsyncLocalStorage<Context>();

let fresh: Awaited<ReturnType<typeof freshDatabase>>;
let db: Database;
let stop: () => void;

beforeAll(async () => {
  context.setGlobalContextManager({
    active: () => active.getStore() ?? ROOT_CONTEXT,
    with: (given, work, self, ...parts) => active.run(given, () => work.apply(self, parts)),
    bind: (_context, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
  fresh = await freshDatabase();
  db = createDatabase({ url: fresh.url, pool: { min: 1, max: 2 }, cache: createCache() });
  await db.execute(sql`create table items (id int primary key, label text)`);
  await db.execute(sql`insert into items select n, 'secret' from generate_series(1, 9) as n`);
  stop = traceStatements(tracer);
});
afterAll(async () => {
  stop?.();
  context.disable();
  await db?.drain();
  await provider.shutdown();
  await fresh?.[Symbol.asyncDispose]();
});
beforeEach(() => exporter.reset());

async function handled(work: () => Promise<unknown>): Promise<string> {
  const parent = tracer.startSpan("GET /items");
  await context.with(trace.setSpan(context.active(), parent), () => inTrace(new Trace(), work));
  parent.end();
  return parent.spanContext().spanId;
}

const spans = () => exporter.getFinishedSpans().filter((one) => one.name !== "GET /items");

test("a child of the active span, by the names of the conventions", async () => {
  const parent = await handled(() => db.query(sql`select label from items where id <= ${3}`));
  expect(spans()).toHaveLength(1);
  const [span] = spans();
  expect(span).toMatchObject({ name: "SELECT items", kind: SpanKind.CLIENT });
  expect(span!.parentSpanContext?.spanId).toBe(parent);
  expect(span!.attributes).toMatchObject({
    "db.system.name": "postgresql",
    "db.namespace": fresh.name,
    "db.query.text": "select label from items where id <= $n",
    "db.operation.name": "SELECT",
    "db.collection.name": "items",
    "db.response.returned_rows": 3,
  });
  expect(span!.attributes["hasten.wait_ms"]).toBeGreaterThanOrEqual(0);
});

test("an error has its SQLSTATE and none of the server's words", async () => {
  await handled(() => db.query(sql`select 'secret' from nowhere`).catch(() => undefined));
  const [span] = spans();
  expect(span!.status).toEqual({ code: SpanStatusCode.ERROR });
  expect(span!.attributes).toMatchObject({
    "error.type": "42P01",
    "db.response.status_code": "42P01",
  });
  expect(JSON.stringify([span!.attributes, span!.events, span!.status])).not.toContain("secret");
});

test("a hit of a cache is no span, and its miss is one", async () => {
  const read = () => db.query(sql`select label from items where id = ${4}`, { cache: {} });
  const parent = await handled(read);
  expect(spans().map((one) => one.parentSpanContext?.spanId)).toEqual([parent]);
  exporter.reset();
  await handled(read);
  expect(spans()).toEqual([]);
});

test("statements of a transaction, and of the driver, overlapping", async () => {
  const pool = new pg.Pool({ connectionString: fresh.url, max: 2 });
  const seen = observe(pool);
  const parent = await handled(async () => {
    await db.transaction((tx) => tx.execute(sql`update items set label = ${"x"} where id = ${1}`));
    await Promise.all([1, 2, 3].map((id) => pool.query("select * from items where id = $1", [id])));
  });
  expect(spans().map((one) => one.name)).toEqual([
    ...["BEGIN", "UPDATE items", "COMMIT"],
    ...["SELECT items", "SELECT items", "SELECT items"],
  ]);
  expect(new Set(spans().map((one) => one.parentSpanContext?.spanId))).toEqual(new Set([parent]));
  expect(spans()[1]!.attributes["hasten.transaction"]).toBe(1);
  seen.close();
  await pool.end();
});

test("outside a trace too, but not what hasten asks itself, and nothing after it was ended", async () => {
  await db.query(sql`select label from items limit 1`);
  await db.health();
  expect(spans().map((one) => one.name)).toEqual(["SELECT items"]);
  stop();
  await db.query(sql`select label from items limit 1`);
  expect(spans()).toHaveLength(1);
});
