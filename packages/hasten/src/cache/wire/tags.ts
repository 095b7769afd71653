/** The first byte of each value in the structured form (number 2 of `form.ts`). */
export const CONSTANTS: readonly unknown[] = [undefined, null, true, false];
export const HOLE = 4;
export const DOUBLE = 5;
/** A whole number from 0 up to INT_MAX. */
export const INT = 6;
export const UTF8 = 7;
export const UTF16 = 8;
export const BIGINT = 9;
export const NEGATIVE_BIGINT = 10;
export const DATE = 11;
export const ARRAY = 12;
export const OBJECT = 13;
export const BARE_OBJECT = 14;
export const MAP = 15;
export const SET = 16;
export const BINARY = 17;
/** An object that came before, by its place in the order of their beginnings. */
export const SEEN = 18;

export const INT_MAX = 0x7fff_ffff;
export const DEPTH_MAX = 1_000;
export const DOUBLE_BYTES = 8;
/** Sizes are 7 bits a byte, low ones first, the top bit meaning that more follow. */
export const VARINT_BYTES_MAX = 5;
/**
 * Of sizes of a Map, a Set and binary: 4 of size, 4 of nothing. An empty one takes about 200 bytes of
 * memory, so it has to take some here: else bytes could become a hundred times as much memory.
 */
export const WIDE_BYTES = 8;
