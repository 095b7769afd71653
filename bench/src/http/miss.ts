/**
 * What a miss costs the main thread, in a process of its own: the same Express route with and
 * without the cache, one after the other, on requests without a socket. Prints one line of JSON.
 */
import { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import express from "express";
import { createCache } from "hasten/cache";
import { cached, createResponseCache } from "hasten/express";
import { median } from "hasten-tools/bench";
import { JSON_BYTES, PAGE } from "./payload.ts";

const PAIRS = Number(process.argv[2] ?? 20_000);
const WARM_UP = Math.min(5_000, PAIRS);

const responses = createResponseCache({ cache: createCache({ memory: { entriesMax: 500 } }) });
const app = express();
app.disable("x-powered-by");
const handler: express.RequestHandler = (_req, res) => {
  res.json(PAGE);
};
app.get("/without/:id", handler);
app.get("/with/:id", cached(responses, { ttlMs: 60_000 }), handler);

interface Times {
  /** From the request's start until the last byte was handed to Node. */
  readonly lastByteUs: number;
  /** Until the call returned: storing included. */
  readonly returnedUs: number;
}

function one(url: string): Times {
  const req = new IncomingMessage(null as unknown as Socket);
  req.method = "GET";
  req.url = url;
  req.httpVersionMajor = 1;
  req.httpVersionMinor = 1;
  req.rawHeaders.push("Host", "localhost", "Accept-Encoding", "gzip");
  req.headers = { host: "localhost", "accept-encoding": "gzip" };
  const res = new ServerResponse(req);
  let lastByte = 0;
  const end = res.end;
  res.end = ((...args: Parameters<typeof end>) => {
    end.apply(res, args);
    lastByte = performance.now();
    return res;
  }) as typeof end;
  const started = performance.now();
  app(req, res);
  const returned = performance.now();
  return { lastByteUs: (lastByte - started) * 1e3, returnedUs: (returned - started) * 1e3 };
}

const withCache: Times[] = [];
const without: Times[] = [];
for (let pair = 0; pair < PAIRS + WARM_UP; pair++) {
  const withFirst = pair % 2 === 0;
  const first = one(withFirst ? `/with/${pair}` : `/without/${pair}`);
  const second = one(withFirst ? `/without/${pair}` : `/with/${pair}`);
  // Stores settle in microtasks: between the pairs, as between requests.
  if (pair % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  else await undefined;
  if (pair < WARM_UP) continue;
  withCache.push(withFirst ? first : second);
  without.push(withFirst ? second : first);
}
const stored = responses.stats().stored;
if (stored < PAIRS) throw new Error(`only ${stored} misses were stored`);

const gzipUs: number[] = [];
for (let times = 0; times < 300; times++) {
  const started = performance.now();
  gzipSync(JSON_BYTES);
  gzipUs.push((performance.now() - started) * 1e3);
}
const difference = (pick: (times: Times) => number): number =>
  median(withCache.map((times, index) => pick(times) - pick(without[index]!)));
console.log(
  JSON.stringify({
    addedUs: difference((times) => times.lastByteUs),
    addedWithStoringUs: difference((times) => times.returnedUs),
    withoutUs: median(without.map((times) => times.lastByteUs)),
    gzipUs: median(gzipUs),
  }),
);
