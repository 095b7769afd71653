/** A process of the two-process test: one cached route on the Redis it is told of. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { createCache } from "hasten/cache";
import { cached, createResponseCache, front } from "hasten/express";

const cache = createCache({ redis: String(process.env["REDIS_URL"]) });
const responses = createResponseCache({ cache });
const app = express();
let runs = 0;
app.get("/r", cached(responses, { public: true, tags: ["t"] }), (_req, res) => {
  runs += 1;
  res.json({ by: process.pid });
});
app.get("/runs", (_req, res) => void res.json(runs));
app.post("/invalidate", async (_req, res) => void res.json(await cache.delete({ tags: ["t"] })));
const server = createServer(front(app, responses));
await cache.shared?.ready(5_000);
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.once("message", async () => {
  server.closeAllConnections();
  server.close();
  await cache.close();
  process.disconnect();
});
