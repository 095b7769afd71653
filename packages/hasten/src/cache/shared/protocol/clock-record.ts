/**
 * The clock of a shard as it lies in Redis:
 * `epoch seq head runId rootDeleted rootExpired floor generation`, one space between.
 *
 * Invariants: what is not exactly that is no clock (`undefined`), in Lua (`include/clock.lua`) as
 * here; bytes that were parsed just before are not parsed again.
 */
import type { ClockRecord } from "./types.ts";

const CLOCK =
  /^([0-9a-f]{16}) (\d{1,16}) (\d{1,16}) (\S+) (\d{1,16}) (\d{1,16}) (\d{1,16}) ([01])$/;
/** Longer is none: a run id has 40 characters. */
const BYTES_MAX = 400;

export function parseClock(bytes: Buffer): ClockRecord | undefined {
  if (bytes.length > BYTES_MAX) return undefined;
  const found = CLOCK.exec(bytes.toString("latin1"));
  if (found === null) return undefined;
  return {
    epoch: found[1]!,
    seq: Number(found[2]),
    head: Number(found[3]),
    runId: found[4]!,
    rootDeleted: Number(found[5]),
    rootExpired: Number(found[6]),
    floor: Number(found[7]),
    generation: Number(found[8]),
  };
}

export function formatClock(clock: ClockRecord): string {
  const { epoch, seq, head, runId, rootDeleted, rootExpired, floor, generation } = clock;
  return `${epoch} ${seq} ${head} ${runId} ${rootDeleted} ${rootExpired} ${floor} ${generation}`;
}

/** Parses clocks; the same bytes twice in a row give the same object. */
export function clockReader(): (bytes: Buffer) => ClockRecord | undefined {
  let lastBytes: Buffer | undefined;
  let last: ClockRecord | undefined;
  return (bytes) => {
    if (lastBytes?.equals(bytes) === true) return last;
    last = parseClock(bytes);
    // A copy: the bytes may be a piece of a large chunk of the network.
    lastBytes = Buffer.from(bytes);
    return last;
  };
}
