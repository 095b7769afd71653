/**
 * Values to bytes and back, for every tier that other processes share.
 *
 * Invariants:
 * - What is read back is what the memory of this process would have given: alike in type and content.
 * - Bytes may be anybody's: reading them ends, in bounds, with a value or "undecodable".
 */
import type { Codec, WireOrigin } from "../codec.ts";
import type { Payload } from "../shared/port.ts";
import { structured } from "../structured.ts";
import { type Admitted, isJsonExact } from "../value.ts";
import { decompressPayload, PAYLOAD_BYTES_MAX } from "./compression.ts";
import { FORM_CODEC, FORM_JSON, FORM_MASK, FORM_STRUCTURED } from "./form.ts";
import { readStructured } from "./read.ts";
import type { Decoded, Decompressed, WireLimits } from "./types.ts";

type AnyCodec = Codec<unknown> | undefined;

const NOWHERE: WireOrigin = { freshUntilMs: Number.NEGATIVE_INFINITY, dependency: undefined };
const NAME_BYTES_MAX = 255;

/**
 * A value as bytes; undefined if it cannot travel: its codec has no wire form, or refused it, or it
 * is data that a cache does not hold.
 */
export function encodeValue(value: unknown, codec?: Codec<unknown>): Payload | undefined {
  if (codec !== undefined) return byCodec(value, codec);
  try {
    return plain(value, isJsonExact(value));
  } catch {
    return undefined;
  }
}

/** The same for what was admitted to memory, without looking through it again. */
export function encodeAdmitted(
  value: unknown,
  admitted: Admitted,
  codec?: Codec<unknown>,
): Payload | undefined {
  if (codec !== undefined) return byCodec(value, codec);
  if (admitted.codec === structured) {
    return { form: FORM_STRUCTURED, bytes: admitted.stored as Buffer };
  }
  try {
    return plain(value, admitted.json);
  } catch {
    return undefined;
  }
}

function plain(value: unknown, exact: boolean): Payload {
  if (exact) return { form: FORM_JSON, bytes: Buffer.from(JSON.stringify(value)) };
  return { form: FORM_STRUCTURED, bytes: structured.encode(value).stored as Buffer };
}

function byCodec(value: unknown, codec: Codec<unknown>): Payload | undefined {
  const name = Buffer.from(codec.name);
  if (codec.wire === undefined || name.length > NAME_BYTES_MAX) return undefined;
  try {
    const encoded = codec.wire.encode(value);
    if (encoded === undefined) return undefined;
    return {
      form: FORM_CODEC,
      bytes: Buffer.concat([Buffer.from([name.length]), name, encoded]),
    };
  } catch {
    return undefined;
  }
}

/** What bytes mean, out of their compression. Never throws. */
export function decodeValue(
  payload: Payload,
  codec?: Codec<unknown>,
  origin: WireOrigin = NOWHERE,
): Decoded {
  if (payload.bytes.length > PAYLOAD_BYTES_MAX) return undecodable("too many bytes");
  try {
    return decode(payload, codec, origin);
  } catch (error) {
    return undecodable(error instanceof Error ? error.message : String(error));
  }
}

function decode({ form, bytes }: Payload, codec: AnyCodec, origin: WireOrigin): Decoded {
  if (form === FORM_CODEC) {
    const end = 1 + (bytes[0] ?? 0);
    const name = bytes.toString("utf8", 1, end);
    if (codec?.wire === undefined || name !== codec.name || bytes.length < end) {
      return undecodable("it was written by another codec");
    }
    return { kind: "value", value: codec.wire.decode(bytes.subarray(end), origin) };
  }
  // What a codec is for, only that codec reads; a counter's number is nobody's.
  if (codec !== undefined) return undecodable("it was written without the codec of its key");
  if (form === FORM_JSON) return { kind: "value", value: JSON.parse(bytes.toString()) };
  if (form === FORM_STRUCTURED) return { kind: "value", value: readStructured(bytes) };
  return undecodable(`form ${form} is unknown`);
}

/** What bytes mean, compressed or not; at once where they are not. Never throws or rejects. */
export function readPayload(
  payload: Payload,
  codec?: Codec<unknown>,
  origin?: WireOrigin,
  limits?: WireLimits,
): Decoded | Promise<Decoded> {
  if (limits === undefined && payload.form <= FORM_MASK) return decodeValue(payload, codec, origin);
  const read = (found: Decompressed): Decoded =>
    found.kind === "payload" ? decodeValue(found.payload, codec, origin) : found;
  const found = decompressPayload(payload, limits);
  return found instanceof Promise ? found.then(read) : read(found);
}

function undecodable(because: string): Decoded {
  return { kind: "undecodable", because };
}
