/**
 * Cursors: `v1.<key id>.<base64url JSON>.<base64url signature>`.
 *
 * Invariants:
 * - Nothing in a cursor is read before its signature is checked, in constant time.
 * - A cursor works only for the sort and the filter it was made for, and only until it expires.
 * - Whatever is wrong with one is answered by 400 `invalid-cursor`; it never means "page one".
 * - Key values keep their exact text; each carries a type tag, NULL is `null`.
 * Signing stops forging and probing, not reading: a cursor shows its key values to who holds it.
 */
import type { ProblemError } from "../../core/problem.ts";
import { keyCodec } from "./column-type.ts";
import { pageError, pageProblem } from "./errors.ts";
import type { KeyRing } from "./key-ring.ts";
import type { OrderColumn } from "./order.ts";

/** The exact text of each sort key of a row, null for SQL NULL. */
export type KeyTexts = readonly (string | null)[];

/** A place between two rows of one sorted and filtered list, and the way to go from it. */
export interface Position {
  readonly direction: "forward" | "backward";
  readonly keys: KeyTexts;
  /** Whether a row at exactly this place belongs to the page. */
  readonly inclusive: boolean;
}

/** What a cursor is bound to, and by which rules it is made and read. */
export interface CursorRules {
  readonly ring: KeyRing;
  readonly sortId: string;
  readonly filterId: string;
  readonly order: readonly OrderColumn[];
  readonly lengthMax: number;
  /** Undefined: cursors do not expire. */
  readonly ttlMs: number | undefined;
  readonly wallMs: number;
}

const VERSION = "v1";
const MODES = ["forward", "backward", "forward-inclusive", "backward-inclusive"] as const;
/** A cursor from a process whose clock runs ahead by more than this is refused. */
const CLOCK_SKEW_MAX_MS = 60_000;

export function encodeCursor(position: Position, rules: CursorRules): string {
  const mode = (position.direction === "backward" ? 1 : 0) + (position.inclusive ? 2 : 0);
  const keys = position.keys.map((text, index) =>
    text === null ? null : keyCodec(rules.order[index]!.type).tag + text,
  );
  const seconds = rules.ttlMs === undefined ? [] : [Math.floor(rules.wallMs / 1000)];
  const payload = JSON.stringify([rules.sortId, rules.filterId, mode, keys, ...seconds]);
  const signed = `${VERSION}.${rules.ring.current}.${Buffer.from(payload).toString("base64url")}`;
  const cursor = `${signed}.${rules.ring.sign(signed)}`;
  if (cursor.length > rules.lengthMax) throw tooLong(cursor.length, rules.lengthMax);
  return cursor;
}

/** @throws ProblemError 400 `invalid-cursor` for everything this list did not issue itself. */
export function decodeCursor(given: unknown, rules: CursorRules): Position {
  if (typeof given !== "string") throw invalid("It must be given once, as text.");
  if (given.length > rules.lengthMax) throw invalid("It is longer than any cursor of this list.");
  const parts = given.split(".");
  if (parts.length !== 4) throw invalid("It is malformed.");
  const [version, keyId, payload, signature] = parts as [string, string, string, string];
  if (version !== VERSION) throw invalid("Its version is not known.");
  if (!rules.ring.verify(keyId, `${version}.${keyId}.${payload}`, signature))
    throw invalid("Its signature does not match.");
  return positionOf(payload, rules);
}

function positionOf(payload: string, rules: CursorRules): Position {
  const fields = parsed(payload);
  if (!Array.isArray(fields)) throw invalid("It is malformed.");
  const [sortId, filterId, mode, keys, issuedAt] = fields as readonly unknown[];
  if (sortId !== rules.sortId) throw invalid("It belongs to another sort.");
  if (filterId !== rules.filterId) throw invalid("It belongs to another filter.");
  if (expired(issuedAt, rules)) throw invalid("It has expired.");
  const name = MODES[mode as number];
  if (name === undefined || !Array.isArray(keys) || keys.length !== rules.order.length)
    throw invalid("It is malformed.");
  return {
    direction: name.startsWith("forward") ? "forward" : "backward",
    inclusive: name.endsWith("inclusive"),
    keys: keys.map((key, index) => keyText(key, rules.order[index]!)),
  };
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, "base64url").toString());
  } catch {
    throw invalid("It is malformed.");
  }
}

function expired(issuedAt: unknown, rules: CursorRules): boolean {
  if (rules.ttlMs === undefined) return false;
  if (typeof issuedAt !== "number") return true;
  const ageMs = rules.wallMs - issuedAt * 1000;
  return ageMs > rules.ttlMs || ageMs < -CLOCK_SKEW_MAX_MS;
}

function keyText(key: unknown, column: OrderColumn): string | null {
  if (key === null && column.nullable) return null;
  const codec = keyCodec(column.type);
  if (typeof key !== "string" || key[0] !== codec.tag || !codec.form.test(key.slice(1)))
    throw invalid("It is malformed.");
  return key.slice(1);
}

const invalid = (because: string): ProblemError =>
  pageProblem("invalid-cursor", `${because} Start again without a cursor.`);

const tooLong = (length: number, lengthMax: number): Error =>
  pageError(
    "HST_PAGE_CURSOR_SIZE",
    `The cursor after this page has ${length} characters, more than ${lengthMax}.`,
    "Sort by a bounded expression, for example left(title, 200), or raise cursor.lengthMax.",
  );
