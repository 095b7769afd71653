/** A position in the WAL, as two halves: the server's 64 bits do not fit a number. */
export interface Lsn {
  readonly high: number;
  readonly low: number;
}

export const LSN_ZERO: Lsn = { high: 0, low: 0 };

export function readLsn(bytes: Buffer, at: number): Lsn {
  return { high: bytes.readUInt32BE(at), low: bytes.readUInt32BE(at + 4) };
}

/** As PostgreSQL writes it: `16/B374D848`. */
export function formatLsn({ high, low }: Lsn): string {
  return `${high.toString(16).toUpperCase()}/${low.toString(16).toUpperCase()}`;
}

export function laterLsn(one: Lsn, other: Lsn): Lsn {
  return one.high > other.high || (one.high === other.high && one.low >= other.low) ? one : other;
}

/** Undefined for what is none. */
export function parseLsn(text: string): Lsn | undefined {
  const [, high, low] = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i.exec(text) ?? [];
  if (high === undefined || low === undefined) return undefined;
  return { high: Number.parseInt(high, 16), low: Number.parseInt(low, 16) };
}
