/** A real Express server on a port of its own, and a client that hides nothing. */
import {
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  request,
  type Server,
} from "node:http";
import type { AddressInfo } from "node:net";
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import express, { type Express } from "express";
import { type Cache, type CacheOptions, createCache } from "hasten/cache";
import {
  createResponseCache,
  front,
  type Notice,
  type ResponseCache,
  type ResponseCacheOptions,
} from "hasten/express";
import type { Clock } from "../../src/core/clock.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly raw: Buffer;
  /** Decoded by its Content-Encoding. */
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export interface TestApp extends AsyncDisposable {
  readonly app: Express;
  readonly cache: Cache;
  readonly responses: ResponseCache;
  readonly notices: Notice[];
  readonly server: Server;
  readonly port: number;
  get(path: string, headers?: OutgoingHttpHeaders): Promise<Answer>;
  ask(path: string, ask?: Ask): Promise<Answer>;
}

export interface TestAppOptions extends Omit<ResponseCacheOptions, "cache" | "onNotice"> {
  readonly front?: boolean;
  readonly memory?: { readonly entriesMax?: number; readonly bytesMax?: number };
  readonly clock?: Clock;
  readonly redis?: CacheOptions["redis"];
}

/** Express's own error page writes to the console in any other environment. */
process.env["NODE_ENV"] = "test";

export async function startApp(
  mount: (app: Express, responses: ResponseCache) => void,
  options: TestAppOptions = {},
): Promise<TestApp> {
  const { front: inFront = false, memory, redis, ...rest } = options;
  const notices: Notice[] = [];
  const cache = createCache({
    ...(memory === undefined ? {} : { memory }),
    ...(redis === undefined ? {} : { redis }),
    ...(rest.clock === undefined ? {} : { clock: rest.clock }),
  });
  const responses = createResponseCache({
    ...rest,
    cache,
    onNotice: (notice) => notices.push(notice),
  });
  const app = express();
  mount(app, responses);
  const server = createServer(inFront ? front(app, responses) : app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const ask = (path: string, what: Ask = {}): Promise<Answer> => send(port, path, what);
  return {
    app,
    cache,
    responses,
    notices,
    server,
    port,
    ask,
    get: (path, headers = {}) => ask(path, { headers }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await cache.close();
    },
  };
}

function send(port: number, path: string, what: Ask): Promise<Answer> {
  const { method = "GET", headers = {}, body, signal } = what;
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, method, headers, agent: false as const };
    const outgoing = request({ ...options, ...(signal === undefined ? {} : { signal }) }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.once("error", reject);
      res.once("end", () => {
        if (!res.complete) return reject(new Error("the answer was cut off"));
        const raw = Buffer.concat(chunks);
        resolve({ status: res.statusCode!, headers: res.headers, raw, text: decode(raw, res) });
      });
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

function decode(raw: Buffer, res: { headers: IncomingHttpHeaders }): string {
  if (raw.length === 0) return "";
  switch (res.headers["content-encoding"]) {
    case "gzip":
      return gunzipSync(raw).toString();
    case "br":
      return brotliDecompressSync(raw).toString();
    case "deflate":
      return inflateSync(raw).toString();
    case "zstd":
      return zstdDecompressSync(raw).toString();
    default:
      return raw.toString();
  }
}

export const later = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** A promise and the function that resolves it: for handlers that wait for the test. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** Waits, a turn at a time, until something is true; fails after two seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    if (condition()) return;
    await later(1);
  }
  throw new Error("it did not come true within two seconds");
}
