import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import net from "node:net";
import { pipeline, Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import zlib from "node:zlib";
import express from "express";
import { expect, test } from "vitest";
import {
  type CompressionOptions,
  createResponseCompression,
  type ResponseCompression,
} from "./compress-response.ts";
import type { Coding } from "./negotiate.ts";

const BODY = JSON.stringify(
  Array.from({ length: 150 }, (_, id) => ({ id, name: `metric ${id}`, tags: ["a", "b"] })),
);
const LARGE = JSON.stringify(
  Array.from({ length: 30_000 }, (_, id) => ({ id, name: `metric ${(id * 7919) % 30_011}` })),
);

interface Answer {
  readonly status: number;
  readonly fields: http.IncomingHttpHeaders;
  readonly raw: Buffer;
  readonly body: string;
  readonly trailers: NodeJS.Dict<string>;
}

interface Site extends AsyncDisposable {
  readonly port: number;
  readonly compression: ResponseCompression;
  get(options?: {
    path?: string;
    method?: string;
    headers?: Record<string, string>;
  }): Promise<Answer>;
}

async function site(handler: http.RequestListener, options?: CompressionOptions): Promise<Site> {
  const compression = createResponseCompression(options);
  const server = http.createServer((req, res) => {
    compression.attach(req, res);
    handler(req, res);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    compression,
    get: ({ path = "/list", method = "GET", headers = {} } = {}) =>
      request({ port, path, method, headers, agent: false }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function request(options: http.RequestOptions): Promise<Answer> {
  const req = http.request({ host: "127.0.0.1", ...options }).end();
  const [res] = (await once(req, "response")) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of res) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const coding = (res.headers["content-encoding"] ?? "identity") as Coding;
  const body = raw.byteLength === 0 ? "" : decode(raw, coding).toString();
  return { status: res.statusCode ?? 0, fields: res.headers, raw, body, trailers: res.trailers };
}

function decode(raw: Buffer, coding: Coding): Buffer {
  switch (coding) {
    case "zstd":
      return zlib.zstdDecompressSync(raw);
    case "br":
      return zlib.brotliDecompressSync(raw);
    case "gzip":
      return zlib.gunzipSync(raw);
    case "deflate":
      return zlib.inflateSync(raw);
    case "identity":
      return raw;
    default:
      return coding satisfies never;
  }
}

const json =
  (body: string, more: http.OutgoingHttpHeaders = {}): http.RequestListener =>
  (_req, res) => {
    res.setHeader("Content-Type", "application/json");
    for (const [name, value] of Object.entries(more)) res.setHeader(name, value!);
    res.end(body);
  };

const MATRIX: readonly (readonly [string | undefined, Coding])[] = [
  ["zstd", "zstd"],
  ["br", "br"],
  ["gzip", "gzip"],
  ["deflate", "deflate"],
  ["identity", "identity"],
  ["*", "zstd"],
  ["zstd;q=0, br;q=0, *", "gzip"],
  ["gzip;q=0", "identity"],
  ["*;q=0", "identity"],
  [undefined, "identity"],
];

test.each(MATRIX)(
  "Accept-Encoding %j gets %s, and HEAD has the fields of GET",
  async (field, coding) => {
    for (const body of [BODY, LARGE]) {
      await using server = await site(json(body, { ETag: '"h"' }));
      const headers: Record<string, string> =
        field === undefined ? {} : { "accept-encoding": field };
      const answer = await server.get({ headers });
      const etag = coding === "identity" ? '"h"' : `"h-${coding}"`;
      expect(answer.body).toBe(body);
      expect(answer.fields["content-encoding"] ?? "identity").toBe(coding);
      expect(answer.fields["vary"]).toBe("Accept-Encoding");
      expect(answer.fields.etag).toBe(etag);
      expect(answer.fields["content-length"]).toBe(String(answer.raw.byteLength));
      const head = await server.get({ method: "HEAD", headers });
      expect(head.raw.byteLength).toBe(0);
      const { date: _a, ...headFields } = head.fields;
      const { date: _b, ...getFields } = answer.fields;
      expect(headFields).toEqual(getFields);
    }
  },
);

// `compression` 1.8.2 and @fastify/compress 9.2 send one strong tag for every coding.
test("a tag of one coding never gives 304 for another, its own does", async () => {
  await using server = await site(json(BODY, { ETag: '"h"', "Cache-Control": "no-cache" }));
  const ask = async (coding: string, tag: string): Promise<Answer> =>
    server.get({ headers: { "accept-encoding": coding, "if-none-match": tag } });
  expect((await ask("br", '"h-gzip"')).status).toBe(200);
  expect((await ask("br", '"h"')).status).toBe(200);
  const fresh = await ask("br", '"x", "h-br"');
  expect(fresh).toMatchObject({ status: 304, body: "" });
  expect(fresh.fields).toMatchObject({
    etag: '"h-br"',
    vary: "Accept-Encoding",
    "cache-control": "no-cache",
  });
  expect(fresh.fields["content-type"]).toBeUndefined();
});

test.each([
  ["a body below the threshold", json("x".repeat(1023)), {}, "Accept-Encoding"],
  ["a multi-byte body counts bytes", json("é".repeat(511)), {}, "Accept-Encoding"],
  ["x-no-compression", json(BODY), { "x-no-compression": "1" }, "Accept-Encoding"],
  ["no-transform", json(BODY, { "Cache-Control": "no-transform" }), {}, "Accept-Encoding"],
  ["an image", json(BODY, { "Content-Type": "image/png" }), {}, undefined],
  ["a body with a digest", json(BODY, { "Content-Digest": "sha-256=:AA==:" }), {}, undefined],
])("%s goes out as it is", async (_name, handler, headers, vary) => {
  await using server = await site(handler);
  const answer = await server.get({ headers: { "accept-encoding": "br", ...headers } });
  expect(answer.fields["content-encoding"]).toBeUndefined();
  expect(answer.fields["vary"]).toBe(vary);
  expect(answer.fields["content-length"]).toBe(String(answer.raw.byteLength));
});

test("multi-byte text of 1024 bytes is compressed", async () => {
  await using server = await site(json("é".repeat(512)));
  const answer = await server.get({ headers: { "accept-encoding": "br" } });
  expect(answer.fields["content-encoding"]).toBe("br");
});

test("excluded paths and the caller's condition leave a response alone", async () => {
  const when = (req: http.IncomingMessage): boolean => !(req.url ?? "").startsWith("/secret");
  await using server = await site(json(BODY), { when, excludePaths: ["/health", "/files/*"] });
  const coded = async (path: string): Promise<string | undefined> =>
    (await server.get({ path, headers: { "accept-encoding": "gzip" } })).fields["content-encoding"];
  expect(await coded("/health?x=1")).toBeUndefined();
  expect(await coded("/files/a")).toBeUndefined();
  expect(await coded("/secret")).toBeUndefined();
  expect(await coded("/healthy")).toBe("gzip");
  await using defaults = await site(json(BODY));
  const metrics = await defaults.get({ path: "/metrics", headers: { "accept-encoding": "gzip" } });
  expect(metrics.fields["content-encoding"]).toBeUndefined();
});

test("a body the handler coded is untouched, set before or by writeHead in either form", async () => {
  const packed = zlib.gzipSync(BODY);
  const type = "application/json";
  const handlers: http.RequestListener[] = [
    (_req, res) => {
      res.setHeader("content-type", type).setHeader("Content-Encoding", "gzip").end(packed);
    },
    (_req, res) => void res.writeHead(200, { "content-encoding": "gzip" }).end(packed),
    (_req, res) => {
      res.writeHead(200, ["Content-Type", type, "Content-Encoding", "gzip"]).end(packed);
      // The list went to node as it was: no field was taken apart on the way.
      expect(res.getHeaderNames()).toEqual([]);
    },
  ];
  for (const handler of handlers) {
    await using server = await site(handler);
    const answer = await server.get({ headers: { "accept-encoding": "br" } });
    expect(answer.raw.equals(packed)).toBe(true);
    expect(answer.fields["content-encoding"]).toBe("gzip");
  }
});

test("partial content, 204 and 304 keep their bytes and fields", async () => {
  await using server = await site((req, res) => {
    const type = { "Content-Type": "text/plain" };
    if (req.url === "/204") return void res.writeHead(204, type).end();
    if (req.url === "/304") return void res.writeHead(304, { ETag: '"h"' }).end();
    res.writeHead(206, { ...type, "Content-Range": "bytes 0-4095/9999" }).end("x".repeat(4096));
  });
  const get = (path: string): Promise<Answer> =>
    server.get({ path, headers: { "accept-encoding": "br" } });
  expect(await get("/206")).toMatchObject({ status: 206, body: "x".repeat(4096) });
  expect((await get("/206")).fields).toMatchObject({ vary: "Accept-Encoding" });
  expect((await get("/204")).fields["content-encoding"]).toBeUndefined();
  expect((await get("/304")).fields).toMatchObject({ vary: "Accept-Encoding", etag: '"h"' });
});

test("Vary is added once beside what is there", async () => {
  await using server = await site(json(BODY, { Vary: "Origin, accept-encoding" }));
  const answer = await server.get({ headers: { "accept-encoding": "br" } });
  expect(answer.fields["vary"]).toBe("Origin, accept-encoding");
});

test("writeHead's status, reason and fields arrive, and callbacks run", async () => {
  const called: string[] = [];
  await using server = await site((_req, res) => {
    res.setHeader("X-Kept", "1");
    res.writeHead(201, "Made", ["Content-Type", "text/plain", "X-Two", "a", "X-Two", "b"]);
    called.push(`sent ${res.headersSent}`);
    res.write("x".repeat(600), () => called.push("write"));
    res.end("y".repeat(600), () => called.push("end"));
  });
  const answer = await server.get({ headers: { "accept-encoding": "gzip" } });
  expect(answer.status).toBe(201);
  expect(answer.fields).toMatchObject({ "x-kept": "1", "x-two": "a, b" });
  expect(answer.fields["content-length"]).toBe(String(answer.raw.byteLength));
  expect(answer.body).toBe("x".repeat(600) + "y".repeat(600));
  expect(called.sort()).toEqual(["end", "sent true", "write"]);
});

test("small writes that end within the turn are below the threshold together", async () => {
  await using server = await site((_req, res) => {
    res.setHeader("content-type", "text/plain");
    res.write("a");
    res.write(Buffer.from("b"));
    res.end("c");
  });
  const answer = await server.get({ headers: { "accept-encoding": "gzip" } });
  expect(answer).toMatchObject({ body: "abc" });
  expect(answer.fields["content-encoding"]).toBeUndefined();
});

test("while a large body is being compressed the response looks sent, and a second end is nothing", async () => {
  const seen: boolean[] = [];
  await using server = await site((_req, res) => {
    res.setHeader("content-type", "text/plain");
    res.end(LARGE);
    seen.push(res.headersSent, res.writableEnded);
    res.end("again");
  });
  const answer = await server.get({ headers: { "accept-encoding": "br" } });
  expect(answer.body).toBe(LARGE);
  expect(seen).toEqual([true, true]);
});

test.each(["zstd", "br", "gzip", "deflate"])("a %s stream is flushed on demand", async (coding) => {
  let release: () => void = () => undefined;
  await using server = await site((_req, res) => {
    res.setHeader("Content-Type", "text/plain");
    res.write("first");
    (res as unknown as { flush(): void }).flush();
    release = () => void res.end("second");
  });
  const req = http
    .get({ port: server.port, headers: { "accept-encoding": coding }, agent: false })
    .end();
  const [res] = (await once(req, "response")) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  res.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(res, "data");
  release();
  await once(res, "end");
  expect(decode(Buffer.concat(chunks), coding as Coding).toString()).toBe("firstsecond");
  expect(res.headers["content-length"]).toBeUndefined();
});

test("what another middleware hung on writeHead runs once, in every way of answering", async () => {
  const ways: readonly ((res: http.ServerResponse) => void)[] = [
    (res) => void res.end(BODY),
    (res) => void res.end("small"),
    (res) => void res.end(LARGE),
    (res) => void res.writeHead(200, { "Content-Type": "text/plain" }).end(BODY),
    (res) => void res.writeHead(200).end("small"),
    (res) => void res.writeHead(200, ["Content-Type", "text/plain"]).end(LARGE),
    (res) => {
      res.write(BODY);
      setTimeout(() => res.end(BODY), 5);
    },
    (res) => {
      res.writeHead(200);
      res.write("s");
      setTimeout(() => res.end(BODY), 5);
    },
    (res) => void res.writeHead(200, { "Content-Type": "image/png" }).end(BODY),
  ];
  for (const answer of ways) {
    for (const method of ["GET", "HEAD"]) {
      await using server = await site((_req, res) => {
        res.setHeader("Content-Type", "text/plain");
        const writeHead = res.writeHead as (...args: unknown[]) => http.ServerResponse;
        Object.assign(res, {
          writeHead(...args: unknown[]) {
            res.appendHeader("X-Hung", "1");
            return Reflect.apply(writeHead, res, args);
          },
        });
        answer(res);
      });
      const got = await server.get({ method, headers: { "accept-encoding": "zstd" } });
      expect(got.fields["x-hung"]).toBe("1");
    }
  }
});

test("every way to call end arrives and runs its callback", async () => {
  const callbacks: string[] = [];
  await using server = await site((req, res) => {
    res.setHeader("Content-Type", "text/plain");
    const done = (): void => void callbacks.push(req.url ?? "");
    if (req.url === "/callback") res.end(done);
    else if (req.url === "/null") res.end(null, done);
    else if (req.url === "/none") void res.once("finish", done).end();
    else if (req.url === "/encoding") res.end(Buffer.from(BODY).toString("hex"), "hex", done);
    else if (req.url === "/later") {
      res.write(BODY);
      setTimeout(() => res.end(done), 5);
    } else res.end(LARGE, done);
  });
  const paths = ["/callback", "/null", "/none", "/encoding", "/later", "/large"];
  const bodies: string[] = [];
  for (const path of paths) {
    bodies.push((await server.get({ path, headers: { "accept-encoding": "br" } })).body);
  }
  expect(bodies).toEqual(["", "", "", BODY, BODY, LARGE]);
  expect(callbacks).toEqual(paths);
});

test("a chunk of the wrong type is refused as node refuses it", async () => {
  const codes: unknown[] = [];
  await using server = await site((_req, res) => {
    res.setHeader("Content-Type", "text/plain");
    for (const method of ["write", "end"] as const) {
      try {
        res[method](7 as unknown as string);
      } catch (error) {
        codes.push((error as NodeJS.ErrnoException).code);
      }
    }
    res.end(BODY);
  });
  expect((await server.get({ headers: { "accept-encoding": "br" } })).body).toBe(BODY);
  expect(codes).toEqual(["ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_TYPE"]);
});

test("a stream that breaks midway breaks the response, which a client notices", async () => {
  await using server = await site((_req, res) => {
    res.setHeader("Content-Type", "text/plain");
    const source = Readable.from(
      (function* () {
        for (let at = 0; at < 40; at++) yield noise(16 * 1024);
        throw new Error("upstream gone");
      })(),
    );
    pipeline(source, res, () => undefined);
  });
  await expect(server.get({ headers: { "accept-encoding": "gzip" } })).rejects.toThrow();
  while (server.compression.stats().aborted === 0) await delay(5);
});

test("a piped stream arrives whole, and the response has ended for its handler at once", async () => {
  const ended: boolean[] = [];
  await using server = await site((req, res) => {
    res.setHeader("Content-Type", "text/plain");
    if (req.url === "/pipe") return void Readable.from([BODY, LARGE, BODY]).pipe(res);
    res.write(LARGE);
    res.end(BODY);
    ended.push(res.writableEnded);
    res.end("again");
  });
  const headers = { "accept-encoding": "zstd" };
  expect((await server.get({ path: "/pipe", headers })).body).toBe(BODY + LARGE + BODY);
  expect((await server.get({ headers })).body).toBe(LARGE + BODY);
  expect(ended).toEqual([true]);
});

test("an HTTP/1.0 client gets a stream that ends with its connection", async () => {
  await using server = await site((_req, res) => {
    res.setHeader("Content-Type", "text/plain");
    res.write(LARGE);
    res.end();
  });
  const socket = net.connect(server.port, "127.0.0.1");
  socket.write("GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  const start = all.indexOf("\r\n\r\n") + 4;
  expect(all.subarray(0, start).toString()).not.toMatch(/transfer-encoding/i);
  expect(zlib.gunzipSync(all.subarray(start)).toString()).toBe(LARGE);
});

test("answers on one connection keep their order while one is being compressed", async () => {
  await using server = await site((req, res) => {
    res.setHeader("Content-Type", "text/plain");
    res.end(req.url === "/large" ? LARGE : "small");
  });
  const socket = net.connect(server.port, "127.0.0.1");
  const head = "Host: x\r\nAccept-Encoding: br\r\n";
  socket.write(`GET /large HTTP/1.1\r\n${head}\r\n`);
  socket.write(`GET /small HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("latin1");
  expect(text.indexOf("Content-Encoding: br")).toBeGreaterThan(0);
  expect(text.endsWith("small")).toBe(true);
});

test("trailers survive", async () => {
  await using server = await site((_req, res) => {
    res.writeHead(200, { "Content-Type": "text/plain", Trailer: "X-Sum" });
    res.addTrailers({ "X-Sum": "1" });
    res.end(BODY);
  });
  const answer = await server.get({ headers: { "accept-encoding": "gzip" } });
  expect(answer).toMatchObject({ body: BODY, trailers: { "x-sum": "1" } });
  expect(answer.fields["content-encoding"]).toBe("gzip");
});

test("event streams leave at once and uncompressed, unless asked: then each write is flushed", async () => {
  for (const eventStreams of [false, true]) {
    await using server = await site(
      (_req, res) => {
        res.writeHead(200, { "Content-Type": "text/event-stream" });
        res.write("data: 1\n\n");
      },
      { eventStreams },
    );
    const headers = { "accept-encoding": "gzip" };
    const req = http.get({ port: server.port, headers, agent: false });
    const [res] = (await once(req, "response")) as [http.IncomingMessage];
    const [first] = (await once(res, "data")) as [Buffer];
    expect(res.headers["content-encoding"]).toBe(eventStreams ? "gzip" : undefined);
    if (!eventStreams) expect(first.toString()).toBe("data: 1\n\n");
    req.destroy();
  }
});

/** Text that does not compress much, so that the socket fills. */
function noise(bytes: number): Buffer {
  const chunk = Buffer.alloc(bytes);
  let seed = 1;
  for (let at = 0; at < bytes; at++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    chunk[at] = 33 + ((seed >>> 16) % 90);
  }
  return chunk;
}

test("a slow reader holds the writer back, through pipe's own back-pressure", async () => {
  const chunk = noise(64 * 1024);
  let written = 0;
  await using server = await site(
    (_req, res) => {
      res.setHeader("Content-Type", "text/plain");
      const more = (): void => {
        while (written < 800) {
          written += 1;
          if (!res.write(chunk)) return void res.once("drain", more);
        }
        res.end();
      };
      more();
    },
    { codings: ["gzip"], gzip: { level: 1 } },
  );
  const req = http.get({
    port: server.port,
    headers: { "accept-encoding": "gzip" },
    agent: false,
  });
  const [res] = (await once(req, "response")) as [http.IncomingMessage];
  res.pause();
  for (let before = -1; before !== written; await delay(500)) before = written;
  expect(written * chunk.byteLength).toBeLessThan(16 * 1024 * 1024);
  let bytes = 0;
  const gunzip = res.pipe(zlib.createGunzip());
  for await (const part of gunzip) bytes += (part as Buffer).byteLength;
  expect(bytes).toBe(800 * chunk.byteLength);
});

test("a client that leaves ends the compressor, and the handler learns of it", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await site((_req, res) => {
    res.setHeader("Content-Type", "text/plain");
    const chunk = noise(64 * 1024);
    const more = (): void => {
      if (res.destroyed) return;
      if (res.write(chunk)) setImmediate(more);
      else res.once("drain", more);
    };
    res.once("close", () => closed.resolve());
    more();
  });
  const socket = net.connect(server.port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: zstd\r\n\r\n");
  await once(socket, "data");
  socket.destroy();
  await closed.promise;
  await delay(20);
  expect(server.compression.stats()).toMatchObject({ aborted: 1, compressed: 0 });
});

test("a client that leaves while its body is being compressed is counted and nothing is sent", async () => {
  const ended = Promise.withResolvers<void>();
  await using server = await site(
    (_req, res) => {
      res.setHeader("Content-Type", "text/plain");
      res.end(LARGE.repeat(8));
      res.destroy();
      ended.resolve();
    },
    { br: { quality: 9 } },
  );
  const req = http.get({ port: server.port, headers: { "accept-encoding": "br" }, agent: false });
  await once(req, "error");
  await ended.promise;
  while (server.compression.stats().aborted === 0) await delay(5);
  expect(server.compression.stats().compressed).toBe(0);
});

test("beyond pendingMax bodies go out uncompressed, not queued", async () => {
  await using server = await site(json(LARGE), { pendingMax: 1, br: { quality: 9 } });
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => server.get({ headers: { "accept-encoding": "br" } })),
  );
  for (const answer of answers) {
    expect(answer.body).toBe(LARGE);
    expect(answer.fields["vary"]).toBe("Accept-Encoding");
  }
  const { compressed, bySkip } = server.compression.stats();
  expect(compressed + (bySkip.busy ?? 0)).toBe(6);
  expect(bySkip.busy).toBeGreaterThan(0);
});

test("stats count codings, skips, bytes and the share saved; list JSON gets at least 60 % smaller", async () => {
  await using server = await site(json(BODY));
  for (const coding of ["br", "gzip", "gzip", "identity"]) {
    await server.get({ headers: { "accept-encoding": coding } });
  }
  const stats = server.compression.stats();
  expect(stats).toMatchObject({ compressed: 3, untouched: 1, bySkip: { "not-accepted": 1 } });
  expect(stats.byCoding.gzip?.responses).toBe(2);
  expect(stats.bytesIn).toBe(3 * Buffer.byteLength(BODY));
  expect(stats.bytesSaved).toBe(stats.bytesIn - stats.bytesOut);
  expect(stats.savedRatio).toBeGreaterThan(0.6);
});

test("wrong options are refused with their bounds", () => {
  expect(() => createResponseCompression({ thresholdBytes: -1 })).toThrow(/thresholdBytes/);
  expect(() => createResponseCompression({ pendingMax: 0 })).toThrow(/pendingMax/);
  expect(() => createResponseCompression({ zstd: { level: 22 } })).toThrow(/zstd.level/);
  expect(() => createResponseCompression({ codings: ["lzw" as "br"] })).toThrow(/codings/);
});

test("Express works on it: res.json, HEAD, weak tags and 304", async () => {
  const app = express();
  app.get("/list", (_req, res) => void res.json(JSON.parse(BODY)));
  await using server = await site(app as http.RequestListener);
  const headers = { "accept-encoding": "br" };
  const answer = await server.get({ headers });
  expect(answer.body).toBe(BODY);
  expect(answer.fields.etag).toMatch(/^W\//);
  const head = await server.get({ method: "HEAD", headers });
  expect(head.fields["content-encoding"]).toBe("br");
  expect(head.fields.etag).toBe(answer.fields.etag);
  expect(head.fields["content-length"]).toBeUndefined();
  const again = await server.get({ headers: { ...headers, "if-none-match": answer.fields.etag! } });
  expect(again).toMatchObject({ status: 304, body: "" });
});
