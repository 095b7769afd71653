/** What is compared. Each is one server that answers `GET /list` with the same list. */
import { createServer, type RequestListener, type Server } from "node:http";
import apicache from "apicache";
import compressionMiddleware from "compression";
import express, { type Express, type RequestHandler } from "express";
import { createCache } from "hasten/cache";
import { type CachedOptions, cached, createResponseCache, front } from "hasten/express";
import routeCache from "route-cache";
import { GZIP_BYTES, PAGE } from "./payload.ts";

export const SUBJECTS = [
  "node:http, the same buffer",
  "Express 5, res.end(buffer)",
  "Express 5, res.json",
  "Express 5, compression, res.json",
  "Express 5, apicache",
  "Express 5, route-cache",
  "hasten, inline",
  "hasten, front",
] as const;

export type Subject = (typeof SUBJECTS)[number];

const HEAD = [
  "Content-Type",
  "application/json; charset=utf-8",
  "Content-Encoding",
  "gzip",
  "Vary",
  "Accept-Encoding",
  "Content-Length",
  String(GZIP_BYTES.length),
];

const sendBuffer: RequestListener = (_req, res) => {
  res.writeHead(200, HEAD);
  res.end(GZIP_BYTES);
};

const sendJson: RequestHandler = (_req, res) => {
  res.json(PAGE);
};

export function createSubject(subject: Subject): Server {
  switch (subject) {
    case "node:http, the same buffer":
      return createServer(sendBuffer);
    case "Express 5, res.end(buffer)":
      return createServer(app((express) => express.get("/list", sendBuffer)));
    case "Express 5, res.json":
      return createServer(app((express) => express.get("/list", sendJson)));
    case "Express 5, compression, res.json":
      return createServer(
        app((express) => express.use(compressionMiddleware()).get("/list", sendJson)),
      );
    case "Express 5, apicache":
      return createServer(
        app((express) => express.get("/list", apicache.middleware("10 minutes"), sendJson)),
      );
    case "Express 5, route-cache":
      return createServer(
        app((express) => express.get("/list", routeCache.cacheSeconds(600), sendJson)),
      );
    case "hasten, inline":
      return createServer(hasten({ ttlMs: 600_000 }).app);
    case "hasten, front": {
      const { app: listener, responses } = hasten({ ttlMs: 600_000, public: true });
      return createServer(front(listener, responses));
    }
    default:
      return subject satisfies never;
  }
}

/** The same settings for every Express subject; `X-Powered-By` would only slow them down. */
function app(mount: (app: Express) => unknown): Express {
  const created = express();
  created.disable("x-powered-by");
  mount(created);
  return created;
}

function hasten(options: CachedOptions): {
  app: Express;
  responses: ReturnType<typeof createResponseCache>;
} {
  const responses = createResponseCache({ cache: createCache() });
  return {
    app: app((express) => express.get("/list", cached(responses, options), sendJson)),
    responses,
  };
}
