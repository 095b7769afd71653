/**
 * The patched methods of one response. States, in order:
 * open (nothing sent) → held (small writes wait for the end of the turn) → one of
 * streaming (through a compressor), pending (whole body being compressed), through (as it is).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { CompressionDecision } from "./compress-decision.ts";
import { codedFields, varyOnEncoding } from "./compress-fields.ts";
import type { CompressionContext, Patched } from "./compress-state.ts";
import { startCompressedStream } from "./compress-stream.ts";
import { sendWhole } from "./compress-whole.ts";
import { isEventStream } from "./compressible.ts";
import type { FieldRecord } from "./field-record.ts";
import {
  bytesOf,
  callbackOf,
  claimSent,
  type Done,
  declaredLength,
  originalMethods,
  unclaimSent,
} from "./original-methods.ts";
import { applyHead, type HeadArguments, setsContentEncoding } from "./response-head.ts";

/** Replaces `writeHead`, `write`, `end` and `flushHeaders`, and adds `flush`, on this response. */
export function patchResponse(
  context: CompressionContext,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  const original = originalMethods(res);
  const patched: Patched = {
    context,
    req,
    res,
    original,
    state: "open",
    headGiven: false,
    coding: undefined,
    held: [],
    heldBytes: 0,
    stream: undefined,
  };
  Object.assign(res, {
    writeHead: (...args: readonly unknown[]) => onWriteHead(patched, args),
    write: (...args: readonly unknown[]) => onWrite(patched, args),
    end: (...args: readonly unknown[]) => onEnd(patched, args),
    flushHeaders: () => onFlush(patched, () => original.flushHeaders()),
    flush: () => onFlush(patched, () => patched.stream?.flush()),
  });
}

function onWriteHead(patched: Patched, args: readonly unknown[]): ServerResponse {
  const { res, original, context } = patched;
  if (patched.state === "pending" || patched.state === "held") return res;
  if (patched.state === "open" && setsContentEncoding(args)) {
    // The fast way of stored responses: their flat list goes to node as it is.
    patched.state = "through";
    context.counts.skipped("encoded");
  }
  if (patched.state !== "open") return original.writeHead(...args);
  applyHead(res, args as HeadArguments);
  patched.headGiven = true;
  return settle(patched) === "through" ? original.writeHead(res.statusCode) : res;
}

function onWrite(patched: Patched, args: readonly unknown[]): boolean {
  if (patched.state === "open") settle(patched);
  if (patched.state === "pending") return false;
  const chunk = bytesOf(args[0], args[1]);
  if (patched.state === "through" || chunk === undefined) return patched.original.write(...args);
  const done = callbackOf(args);
  if (patched.stream !== undefined) return patched.stream.write(chunk, done);
  if (patched.held.length === 0) streamAfterThisTurn(patched);
  patched.held.push({ chunk, done });
  patched.heldBytes += chunk.byteLength;
  return patched.heldBytes < patched.context.thresholdBytes || startStreaming(patched);
}

function onEnd(patched: Patched, args: readonly unknown[]): ServerResponse {
  const { res } = patched;
  if (patched.state === "pending") return res;
  const [first, second] = args;
  const bodiless = first === undefined || first === null || typeof first === "function";
  const chunk = bodiless ? NOTHING : bytesOf(first, second);
  if (patched.state === "through" || chunk === undefined) return patched.original.end(...args);
  const done = callbackOf(args);
  if (patched.stream !== undefined) patched.stream.end(chunk, done);
  else endWhole(patched, Buffer.concat([...patched.held.map((held) => held.chunk), chunk]), done);
  return res;
}

/** The whole body is known: compress it in one piece, or send it as it is. */
function endWhole(patched: Patched, body: Buffer, done: Done | undefined): void {
  const { res, req } = patched;
  const headOnly = req.method === "HEAD" && body.byteLength === 0;
  // Express ends a HEAD without the body whose length it declared.
  const decision = decide(patched, headOnly ? declaredLength(res) : body.byteLength);
  for (const held of patched.held) if (held.done !== undefined) process.nextTick(held.done);
  patched.held = [];
  if (decision.kind === "compress" && res.hasHeader("trailer") && !headOnly) {
    // Trailers need chunks (RFC 9112 §7.1.2), so no Content-Length.
    patched.coding = decision.coding;
    startStreaming(patched);
    if (patched.stream === undefined) patched.original.end(body, "utf8", done);
    else patched.stream.end(body, done);
    return;
  }
  if (decision.kind === "identity") passThrough(patched, decision);
  sendWhole(patched, { body, decision, headOnly }, done);
}

/** Decides as soon as the fields are final: to hold what comes, or to let it through. */
function settle(patched: Patched): "held" | "through" {
  const decision = decide(patched, declaredLength(patched.res));
  if (decision.kind === "identity") {
    passThrough(patched, decision);
    return "through";
  }
  patched.state = "held";
  patched.coding = decision.coding;
  claimSent(patched.res, false);
  return "held";
}

/** Small writes wait until the turn ends: most bodies are complete by then. */
function streamAfterThisTurn(patched: Patched): void {
  setImmediate(() => {
    if (patched.state === "held" && !patched.res.destroyed) startStreaming(patched);
  });
}

/** False when the writer should wait for `drain`. */
function startStreaming(patched: Patched): boolean {
  const { res, req, original, context, coding } = patched;
  if (coding === undefined) return true;
  const flushEach = isEventStream(String(res.getHeader("content-type")));
  codedFields(res, coding, undefined);
  unclaimSent(res);
  // Node drops a HEAD's body: there is nothing to compress.
  patched.state = req.method === "HEAD" ? "through" : "streaming";
  if (patched.headGiven) original.writeHead(res.statusCode);
  else res.writeHead(res.statusCode);
  original.flushHeaders();
  if (patched.state === "streaming") {
    patched.stream = startCompressedStream({ res, original, coding, flushEach, context });
  }
  let ready = true;
  for (const { chunk, done } of patched.held) {
    ready = patched.stream?.write(chunk, done) ?? original.write(chunk, "utf8", done);
  }
  patched.held = [];
  return ready;
}

function onFlush(patched: Patched, flush: () => void): void {
  if (patched.state === "pending") return;
  if (patched.state === "open") settle(patched);
  if (patched.state === "held") startStreaming(patched);
  flush();
}

function decide(patched: Patched, bytes: number | undefined): CompressionDecision {
  const { context, req, res } = patched;
  return context.decide({
    status: res.statusCode,
    requestFields: req.headers,
    responseFields: res.getHeaders() as FieldRecord,
    bytes,
    excluded: context.isExcluded(req, res),
  });
}

function passThrough(
  patched: Patched,
  decision: Extract<CompressionDecision, { kind: "identity" }>,
): void {
  patched.state = "through";
  patched.context.counts.skipped(decision.because);
  if (decision.vary) varyOnEncoding(patched.res);
  unclaimSent(patched.res);
}

const NOTHING = new Uint8Array(0);
