/**
 * Places in the WAL, as PostgreSQL writes them.
 *
 * What a leader says of them is for reads of replicas: one that has replayed up to there shows every
 * change that any process may have dropped by then. So a place is said before what lies up to it is
 * told, and never goes back.
 */

/** Of a WAL of which nothing is known. */
export const NO_POSITION = "0/0";

export function laterPosition(one: string, other: string): string {
  return numberOf(one) >= numberOf(other) ? one : other;
}

/** What is no place is none. */
function numberOf(position: string): bigint {
  const [, high, low] = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i.exec(position) ?? [];
  if (high === undefined || low === undefined) return 0n;
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
