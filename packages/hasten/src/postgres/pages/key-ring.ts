import { hash, timingSafeEqual } from "node:crypto";
import { pageError } from "./errors.ts";

/** A secret that signs cursors. */
export interface CursorKey {
  /** Names the key inside the cursor: 1 to 16 of `A-Z a-z 0-9 _ -`. */
  readonly id: string;
  /** At least 32 bytes (of UTF-8, when a string). Keep it out of the source. */
  readonly secret: string | Uint8Array;
}

/** Keys that sign and check cursors: the first signs, all check. */
export interface KeyRing {
  /** The id of the key that signs. */
  readonly current: string;
  sign(text: string): string;
  /** False for a key id that is not in the ring and for a wrong signature. */
  verify(keyId: string, text: string, signature: string): boolean;
}

/** Most keys a ring holds: the current one and those of the cursors still under way. */
export const CURSOR_KEYS_MAX = 8;
const SECRET_BYTES_MIN = 32;
const SIGNATURE_BYTES = 16;
const BLOCK_BYTES = 64;
const KEY_ID = /^[A-Za-z0-9_-]{1,16}$/;

/**
 * A ring of cursor keys. To rotate, put the new key first and keep the old one for as long as its
 * cursors should work. Takes keys, or text such as `2026-02:<secret>,2026-01:<secret>` from the
 * environment. HMAC-SHA-256, cut to 16 bytes.
 * @throws HST_PAGE_CURSOR_KEYS for no key, more than 8, a repeated or malformed id, a secret of
 * less than 32 bytes.
 */
export function keyRing(given: readonly CursorKey[] | string): KeyRing {
  const keys = typeof given === "string" ? parseKeys(given) : given;
  if (keys.length < 1 || keys.length > CURSOR_KEYS_MAX)
    throw keysInvalid(`1 to ${CURSOR_KEYS_MAX} cursor keys are needed, got ${keys.length}.`);
  const secrets = new Map<string, Pads>();
  for (const key of keys) {
    if (!KEY_ID.test(key.id))
      throw keysInvalid("A cursor key's id must match [A-Za-z0-9_-]{1,16}.");
    if (secrets.has(key.id)) throw keysInvalid(`Two cursor keys have the id ${key.id}.`);
    const { secret: given } = key;
    const secret = typeof given === "string" ? Buffer.from(given) : Buffer.from(given);
    if (secret.length < SECRET_BYTES_MIN)
      throw keysInvalid(`The secret of cursor key ${key.id} has ${secret.length} bytes.`);
    secrets.set(key.id, padsOf(secret));
  }
  const current = keys[0]!.id;
  return {
    current,
    sign: (text) => signature(secrets.get(current)!, text),
    verify(keyId, text, claimed) {
      const secret = secrets.get(keyId);
      return secret !== undefined && sameText(signature(secret, text), claimed);
    },
  };
}

function parseKeys(text: string): readonly CursorKey[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const colon = part.indexOf(":");
      if (colon < 1) throw keysInvalid("Each cursor key must read id:secret.");
      return { id: part.slice(0, colon), secret: part.slice(colon + 1) };
    });
}

/** The two blocks HMAC puts before its inner and outer message (RFC 2104). */
interface Pads {
  readonly inner: Buffer;
  readonly outer: Buffer;
}

function padsOf(secret: Buffer): Pads {
  const key = secret.length > BLOCK_BYTES ? hash("sha256", secret, "buffer") : secret;
  const pad = (byte: number): Buffer =>
    Buffer.alloc(BLOCK_BYTES, byte).map((padding, index) => padding ^ (key[index] ?? 0)) as Buffer;
  return { inner: pad(0x36), outer: pad(0x5c) };
}

/**
 * HMAC-SHA-256 from one-shot hashes: node's Hmac makes an object with a native handle for each
 * signature, which costs more in garbage collection than the hashing.
 */
function signature({ inner, outer }: Pads, text: string): string {
  const digest = hash("sha256", Buffer.concat([inner, Buffer.from(text)]), "buffer");
  const mac = hash("sha256", Buffer.concat([outer, digest]), "buffer");
  return mac.toString("base64url", 0, SIGNATURE_BYTES);
}

/** Compares the encoded texts, so that a second spelling of the same bytes is refused too. */
function sameText(expected: string, given: string): boolean {
  const left = Buffer.from(expected);
  const right = Buffer.from(given);
  return left.length === right.length && timingSafeEqual(left, right);
}

const keysInvalid = (message: string): Error =>
  pageError(
    "HST_PAGE_CURSOR_KEYS",
    message,
    'Pass keyRing([{ id: "2026-01", secret }]) with 32 random bytes or more per secret.',
  );
