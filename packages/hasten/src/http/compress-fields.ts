/** The response fields that a coding changes. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { CompressedCoding } from "./compress.ts";
import { etagForCoding, ifNoneMatchMatches } from "./etag.ts";
import { type FieldRecord, fieldValue } from "./field-record.ts";
import { addVary } from "./vary.ts";

/** Every answer says that it depends on Accept-Encoding, or caches mix the codings up. */
export function varyOnEncoding(res: ServerResponse): void {
  const fields = res.getHeaders() as FieldRecord;
  res.setHeader("Vary", addVary(fieldValue(fields, "vary"), "Accept-Encoding"));
}

/** `bytes` is the coded length, or undefined when it is not known. */
export function codedFields(
  res: ServerResponse,
  coding: CompressedCoding,
  bytes: number | undefined,
): void {
  varyOnEncoding(res);
  res.setHeader("Content-Encoding", coding);
  if (bytes === undefined) res.removeHeader("Content-Length");
  else res.setHeader("Content-Length", bytes);
  const etag = res.getHeader("etag");
  // RFC 9110 §8.8.1: a strong tag must differ between codings.
  if (typeof etag === "string") res.setHeader("ETag", etagForCoding(etag, coding));
}

/** The client has this very coding: its tag differs from the one the handler compared. */
export function notModified(req: IncomingMessage, res: ServerResponse): boolean {
  const ifNoneMatch = req.headers["if-none-match"];
  const etag = res.getHeader("etag");
  if (ifNoneMatch === undefined || typeof etag !== "string" || res.statusCode !== 200) return false;
  return (req.method === "GET" || req.method === "HEAD") && ifNoneMatchMatches(ifNoneMatch, etag);
}
