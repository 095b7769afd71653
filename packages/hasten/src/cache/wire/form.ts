/**
 * The numbers by which payloads say how they are to be read.
 *
 * Invariants:
 * - A number never changes its meaning: another layout gets another number.
 * - A number not listed here is undecodable, whatever its bytes are.
 */

/** JSON text in UTF-8: data that JSON gives back exactly; also the numbers that Redis counts. */
export const FORM_JSON = 1;
/** `structured.ts`. */
export const FORM_STRUCTURED = 2;
/** One byte of length, the codec's name, the codec's own bytes. */
export const FORM_CODEC = 3;

/** Added to the form of what was compressed: a 32-bit length when decompressed, then the stream. */
export const ZSTD = 16;
export const DEFLATE = 32;
/** The bits of a form without its compression. */
export const FORM_MASK = 15;
