/**
 * What a server's snapshot says about transactions.
 *
 * Invariant: a transaction that `hasEnded` in a snapshot is seen (or known to be rolled back) by
 * every snapshot taken from then on. Commit records say less: with a synchronous standby that does
 * not answer, a transaction is in the WAL and decoded while no reader sees it.
 */
const EPOCH = 2 ** 32;

export interface Snapshot {
  /** All below have ended. 64-bit transaction ids, exact as numbers for 2^21 epochs. */
  readonly xmin: number;
  /** None from here on had begun. */
  readonly xmax: number;
  /** In progress between the two. */
  readonly running: ReadonlySet<number>;
}

/** Of the text of `pg_snapshot`: `xmin:xmax:xid,xid,…`. */
export function parseSnapshot(text: string): Snapshot {
  const [xmin, xmax, list] = text.split(":");
  const running = list === undefined || list === "" ? [] : list.split(",").map(Number);
  return { xmin: Number(xmin), xmax: Number(xmax), running: new Set(running) };
}

/** `xid` is the 32-bit id of the WAL, of a top-level transaction. */
export function hasEnded(snapshot: Snapshot, xid: number): boolean {
  const full = widen(snapshot, xid);
  return full < snapshot.xmin || (full < snapshot.xmax && !snapshot.running.has(full));
}

/** The 64-bit id nearest to the snapshot: live ids span less than half of the 32-bit circle. */
function widen({ xmax }: Snapshot, xid: number): number {
  const full = Math.floor(xmax / EPOCH) * EPOCH + xid;
  if (full - xmax > EPOCH / 2) return full - EPOCH;
  return xmax - full > EPOCH / 2 ? full + EPOCH : full;
}
