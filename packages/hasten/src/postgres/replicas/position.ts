/**
 * Positions in the write-ahead log, and the tokens that carry one from request to request.
 *
 * Invariants:
 * - A token is public: it says how far the log went, which is no secret, and who forges one that is
 *   too high has its own reads sent to the primary. What is not well-formed is no token.
 * - No record ends within the header of a log page. An insert position just behind such a header is
 *   the same place as the page's start, where a replica that has replayed everything stands.
 */

/** Bytes from the start of the log. */
export type Position = bigint;

export const NOWHERE: Position = 0n;

const FORM = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;
const TOKEN_CHARACTERS_MAX = 17;

/** Reads what PostgreSQL writes as `16/B374D848`; undefined for anything else. */
export function parsePosition(text: unknown): Position | undefined {
  if (typeof text !== "string" || text.length > TOKEN_CHARACTERS_MAX) return undefined;
  const [, high, low] = FORM.exec(text) ?? [];
  if (high === undefined || low === undefined) return undefined;
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

export function formatPosition(position: Position): string {
  const half = (part: bigint): string => part.toString(16).toUpperCase();
  return `${half(position >> 32n)}/${half(position & 0xffff_ffffn)}`;
}

export const later = (one: Position, other: Position): Position => (one > other ? one : other);

/** Headers of a page, and of the first page of a segment (access/xlog_internal.h). */
const HEADERS: ReadonlySet<bigint> = new Set([24n, 40n]);

/** An insert position as the end of the record before it. */
export function endOfRecord(inserted: Position, pageBytes: number): Position {
  if (!(pageBytes >= 1_024)) return inserted;
  const within = inserted % BigInt(pageBytes);
  return HEADERS.has(within) ? inserted - within : inserted;
}
