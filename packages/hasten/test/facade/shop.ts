/** A process of the facade's tests: the three lines, and routes that show what they do. */
import express from "express";
import { hasten } from "hasten/express";

const h = await hasten({
  postgres: process.env["DATABASE_URL"],
  redis: process.env["REDIS_URL"],
  coherence: { autoSetup: true, startMs: Number(process.env["START_MS"] ?? 5_000) },
  ...(process.env["DRAIN_MS"] === undefined ? {} : { drainMs: Number(process.env["DRAIN_MS"]) }),
});
const app = express();
app.use(h.requests());
let runs = 0;
app.get("/orders", h.cached({ ttlMs: 60_000, shared: true }), async (_req, res) => {
  runs += 1;
  const { rows } = await h.pool.query("select id, note from orders order by id");
  res.json({ runs, rows });
});
app.get("/slow", async (_req, res) => {
  process.send?.("slow began");
  await new Promise((resolve) => setTimeout(resolve, 400));
  const { rows } = await h.pool.query("select 1 as one");
  res.json(rows);
});
app.get("/fails", () => {
  throw new Error("a secret");
});
app.get("/status", (_req, res) => void res.json(h.status()));

const server = await h.listen(app, 0, {
  host: "127.0.0.1",
  signals: process.env["SIGNALS"] !== "false",
});
process.send?.(server.address());
process.once("message", () => void h.close().then(() => process.disconnect()));
