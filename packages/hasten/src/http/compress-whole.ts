/** Sends a body that is known whole: compressed here, compressed off this thread, or as it is. */
import { type CompressedCoding, compress, compressSync } from "./compress.ts";
import type { CompressionDecision } from "./compress-decision.ts";
import { codedFields, notModified, varyOnEncoding } from "./compress-fields.ts";
import type { Patched } from "./compress-state.ts";
import { claimSent, type Done, unclaimSent } from "./original-methods.ts";

export interface Whole {
  readonly body: Buffer;
  readonly decision: CompressionDecision;
  /** A HEAD whose handler gave no body: only the fields are coded. */
  readonly headOnly: boolean;
}

export function sendWhole(patched: Patched, whole: Whole, done: Done | undefined): void {
  const { context, res, req } = patched;
  const { body, decision, headOnly } = whole;
  if (decision.kind === "identity") {
    declareLength(patched, body.byteLength);
    send(patched, body, done);
  } else if (headOnly) {
    codedFields(res, decision.coding, undefined);
    if (notModified(req, res)) res.statusCode = 304;
    send(patched, body, done);
  } else if (body.byteLength <= context.syncBytesMax) {
    sendCoded(patched, { body, coding: decision.coding, packed: packNow(patched, whole) }, done);
  } else if (context.pending >= context.pendingMax) {
    context.counts.skipped("busy");
    varyOnEncoding(res);
    send(patched, body, done);
  } else {
    void sendLater(patched, { body, coding: decision.coding }, done);
  }
}

function packNow(patched: Patched, { body, decision }: Whole): Uint8Array | undefined {
  if (decision.kind === "identity") return undefined;
  try {
    return compressSync(body, decision.coding, patched.context.compress);
  } catch {
    return undefined;
  }
}

/** Never rejects: a failed compressor means the body goes out as it is. */
async function sendLater(
  patched: Patched,
  { body, coding }: { readonly body: Buffer; readonly coding: CompressedCoding },
  done: Done | undefined,
): Promise<void> {
  const { context, res } = patched;
  patched.state = "pending";
  claimSent(res, true);
  context.pending += 1;
  const packed = await compress(body, coding, context.compress).catch(() => undefined);
  context.pending -= 1;
  if (res.destroyed) context.counts.aborted();
  else sendCoded(patched, { body, coding, packed }, done);
}

function sendCoded(
  patched: Patched,
  coded: {
    readonly body: Buffer;
    readonly coding: CompressedCoding;
    readonly packed: Uint8Array | undefined;
  },
  done: Done | undefined,
): void {
  const { res, req, context } = patched;
  const { body, coding, packed } = coded;
  if (packed === undefined) {
    context.counts.failed();
    varyOnEncoding(res);
    send(patched, body, done);
    return;
  }
  codedFields(res, coding, packed.byteLength);
  if (notModified(req, res)) {
    res.statusCode = 304;
    for (const name of DESCRIBING_BODY) res.removeHeader(name);
    send(patched, NOTHING, done);
    return;
  }
  context.counts.compressed(coding, body.byteLength, packed.byteLength);
  send(patched, packed, done);
}

const DESCRIBING_BODY = ["content-length", "content-encoding", "content-type"] as const;
const NOTHING = new Uint8Array(0);

/**
 * Node declares the length itself, but not of a HEAD's body, which has the fields of GET
 * (RFC 9110 §9.3.2), and not after `writeHead`.
 */
function declareLength({ res, req, headGiven }: Patched, bytes: number): void {
  if (bytes === 0 || (req.method !== "HEAD" && !headGiven)) return;
  if (res.statusCode === 204 || res.statusCode === 304) return;
  if (res.hasHeader("transfer-encoding") || res.hasHeader("trailer")) return;
  res.setHeader("Content-Length", bytes);
}

function send(patched: Patched, body: Uint8Array, done: Done | undefined): void {
  patched.state = "through";
  unclaimSent(patched.res);
  if (patched.headGiven && !patched.res.headersSent) {
    patched.original.writeHead(patched.res.statusCode);
  }
  if (body.byteLength === 0) patched.original.end(done);
  else patched.original.end(body, "utf8", done);
}
