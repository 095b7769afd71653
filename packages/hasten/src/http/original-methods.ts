/** The methods of a response as they were before we replaced them. */
import type { ServerResponse } from "node:http";

export interface OriginalMethods {
  writeHead(...args: readonly unknown[]): ServerResponse;
  write(...args: readonly unknown[]): boolean;
  end(...args: readonly unknown[]): ServerResponse;
  flushHeaders(): void;
}

/** Keeps what is on `res` now, which may be another middleware's. */
export function originalMethods(res: ServerResponse): OriginalMethods {
  const { writeHead, write, end, flushHeaders } = res;
  return {
    writeHead: (...args) => Reflect.apply(writeHead, res, args) as ServerResponse,
    write: (...args) => Reflect.apply(write, res, args) as boolean,
    end: (...args) => Reflect.apply(end, res, args) as ServerResponse,
    flushHeaders: () => flushHeaders.call(res),
  };
}

export type Done = (error?: Error | null) => void;

/** The bytes of a chunk; undefined for what node itself must refuse. */
export function bytesOf(chunk: unknown, encoding: unknown): Uint8Array | undefined {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk !== "string") return undefined;
  return Buffer.from(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8");
}

/** The callback among the arguments of `write` or `end`. */
export function callbackOf(args: readonly unknown[]): Done | undefined {
  return args.find((arg) => typeof arg === "function") as Done | undefined;
}

/** The Content-Length the handler declared. */
export function declaredLength(res: ServerResponse): number | undefined {
  const length = res.getHeader("content-length");
  const bytes = length === undefined ? Number.NaN : Number(length);
  return Number.isFinite(bytes) ? bytes : undefined;
}

/** While the fields are held back, the response looks sent to everybody else. */
export function claimSent(res: ServerResponse, ended: boolean): void {
  Object.defineProperty(res, "headersSent", { configurable: true, get: () => true });
  if (ended) Object.defineProperty(res, "writableEnded", { configurable: true, get: () => true });
}

/** Undoes `claimSent`. */
export function unclaimSent(res: ServerResponse): void {
  if (Object.hasOwn(res, "headersSent")) Reflect.deleteProperty(res, "headersSent");
  if (Object.hasOwn(res, "writableEnded")) Reflect.deleteProperty(res, "writableEnded");
}
