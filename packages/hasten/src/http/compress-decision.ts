/** Whether a response is compressed, from its fields and size alone. Pure. */

import { parseResponseCacheControl } from "./cache-control.ts";
import { type CompressedCoding, SUPPORTED_CODINGS } from "./compress.ts";
import { isCompressible, isEventStream } from "./compressible.ts";
import { optionInvalid } from "./errors.ts";
import { type FieldRecord, fieldValue } from "./field-record.ts";
import { type Coding, createNegotiator } from "./negotiate.ts";

/** Why a response goes out as it is. */
export type CompressionSkip =
  | "status"
  | "encoded"
  | "range"
  | "type"
  | "event-stream"
  | "digest"
  | "no-transform"
  | "excluded"
  | "client-opt-out"
  | "not-accepted"
  | "too-small"
  | "busy";

export interface CompressionCandidate {
  readonly status: number;
  readonly requestFields: FieldRecord;
  readonly responseFields: FieldRecord;
  /** The whole body's size; undefined while it is not known. */
  readonly bytes: number | undefined;
  /** Excluded by path or by the caller's own condition. */
  readonly excluded: boolean;
}

export type CompressionDecision =
  | { readonly kind: "compress"; readonly coding: CompressedCoding }
  /** `vary`: another request for it may get a coded answer, so Vary must say so. */
  | { readonly kind: "identity"; readonly because: CompressionSkip; readonly vary: boolean };

export interface DecisionOptions {
  readonly codings: readonly CompressedCoding[];
  readonly thresholdBytes: number;
  readonly eventStreams: boolean;
}

/** Builds the decision of one middleware; the negotiation is remembered per raw Accept-Encoding. */
export function createCompressionDecision(
  options: DecisionOptions,
): (candidate: CompressionCandidate) => CompressionDecision {
  const negotiate = createNegotiator(options.codings);
  return (candidate) => {
    const because = untouchable(candidate.status, candidate.responseFields);
    if (because !== undefined) return { kind: "identity", because, vary: because === "range" };
    if (candidate.status === 304) return { kind: "identity", because: "status", vary: true };
    const type = fieldValue(candidate.responseFields, "content-type");
    const stream = isEventStream(type);
    if (stream && !options.eventStreams) {
      return { kind: "identity", because: "event-stream", vary: false };
    }
    if (!stream && !isCompressible(type)) return { kind: "identity", because: "type", vary: false };
    const coding = negotiate(fieldValue(candidate.requestFields, "accept-encoding"));
    const skip = skipped(candidate, options, coding);
    if (skip !== undefined) return { kind: "identity", because: skip, vary: true };
    return { kind: "compress", coding: coding as CompressedCoding };
  };
}

/** Statuses without a body, what the handler coded itself, and what a coding would falsify. */
function untouchable(status: number, fields: FieldRecord): CompressionSkip | undefined {
  if (status < 200 || status === 204 || status === 205) return "status";
  const encoding = fieldValue(fields, "content-encoding")?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== "" && encoding !== "identity") return "encoded";
  // A part's bytes are counted in the representation it is part of (RFC 9110 §14.4).
  if (status === 206 || fields["content-range"] !== undefined) return "range";
  // RFC 9530: both digests cover the bytes as coded.
  const digest = fields["content-digest"] ?? fields["repr-digest"] ?? fields["content-md5"];
  return digest === undefined ? undefined : "digest";
}

function skipped(
  candidate: CompressionCandidate,
  options: DecisionOptions,
  coding: Coding | "none",
): CompressionSkip | undefined {
  if (candidate.excluded) return "excluded";
  if (candidate.requestFields["x-no-compression"] !== undefined) return "client-opt-out";
  // RFC 9110 §7.7: no-transform forbids changing the content.
  const control = fieldValue(candidate.responseFields, "cache-control");
  if (control !== undefined && parseResponseCacheControl(control).noTransform)
    return "no-transform";
  // A client that refuses even identity gets identity: RFC 9110 §12.5.3 allows it.
  if (coding === "identity" || coding === "none") return "not-accepted";
  const bytes = candidate.bytes;
  return bytes !== undefined && bytes < options.thresholdBytes ? "too-small" : undefined;
}

/** Keeps the order given; refuses unknown codings, drops those this Node lacks. */
export function resolveCodings(
  codings: readonly CompressedCoding[] | undefined,
): readonly CompressedCoding[] {
  if (codings === undefined) return SUPPORTED_CODINGS;
  for (const coding of codings) {
    if (!["zstd", "br", "gzip", "deflate"].includes(coding)) {
      throw optionInvalid("codings", "a list of zstd, br, gzip and deflate", coding);
    }
  }
  return codings.filter((coding) => SUPPORTED_CODINGS.includes(coding));
}
