/**
 * The request header fields that a hit needs, read from the raw header in one pass.
 *
 * `req.headers` is built on its first access, which costs more than the rest of a hit, so a hit
 * never touches it. The answer is one object that the next call overwrites: copy what must live on.
 */
import type { IncomingMessage } from "node:http";

export interface RequestFacts {
  acceptEncoding: string | undefined;
  ifNoneMatch: string | undefined;
  ifModifiedSince: string | undefined;
  range: string | undefined;
  ifRange: string | undefined;
  authorization: boolean;
  cookie: boolean;
  noCompression: boolean;
  /** The request has a body, or asks to count as another method: no cache may answer it. */
  unusual: "body" | "method-override" | "upgrade" | undefined;
}

const facts: RequestFacts = {
  acceptEncoding: undefined,
  ifNoneMatch: undefined,
  ifModifiedSince: undefined,
  range: undefined,
  ifRange: undefined,
  authorization: false,
  cookie: false,
  noCompression: false,
  unusual: undefined,
};

/** Reads the fields of one request. The result is valid until the next call. */
export function readFacts(req: IncomingMessage): RequestFacts {
  facts.acceptEncoding = undefined;
  facts.ifNoneMatch = undefined;
  facts.ifModifiedSince = undefined;
  facts.range = undefined;
  facts.ifRange = undefined;
  facts.authorization = false;
  facts.cookie = false;
  facts.noCompression = false;
  facts.unusual = undefined;
  const raw = req.rawHeaders;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!;
    // Names of the other lengths are of no interest; this skips most fields without lower-casing.
    if (LENGTHS[name.length] === 1) note(name.toLowerCase(), raw[at + 1]!);
  }
  return facts;
}

const NAMES = [
  "range",
  "cookie",
  "upgrade",
  "if-range",
  "authorization",
  "if-none-match",
  "content-length",
  "accept-encoding",
  "x-http-method",
  "x-no-compression",
  "if-modified-since",
  "transfer-encoding",
  "x-method-override",
  "x-http-method-override",
];
const LENGTHS = new Uint8Array(16_384);
for (const name of NAMES) LENGTHS[name.length] = 1;

function note(name: string, value: string): void {
  switch (name) {
    case "accept-encoding":
      facts.acceptEncoding =
        facts.acceptEncoding === undefined ? value : `${facts.acceptEncoding}, ${value}`;
      break;
    case "if-none-match":
      facts.ifNoneMatch =
        facts.ifNoneMatch === undefined ? value : `${facts.ifNoneMatch}, ${value}`;
      break;
    case "if-modified-since":
      facts.ifModifiedSince = value;
      break;
    case "range":
      facts.range = value;
      break;
    case "if-range":
      facts.ifRange = value;
      break;
    case "authorization":
      facts.authorization = true;
      break;
    case "cookie":
      facts.cookie = true;
      break;
    case "x-no-compression":
      facts.noCompression = true;
      break;
    case "upgrade":
      facts.unusual = "upgrade";
      break;
    case "content-length":
      if (value !== "0") facts.unusual = "body";
      break;
    case "transfer-encoding":
      facts.unusual = "body";
      break;
    case "x-http-method":
    case "x-method-override":
    case "x-http-method-override":
      facts.unusual = "method-override";
      break;
    default:
  }
}
