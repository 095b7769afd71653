import { systemClock } from "../../src/core/clock.ts";
import { instant, Trust } from "../../src/core/trust.ts";
import type { ChangeSource, CommittedWrite } from "../../src/postgres/coherence/source.ts";

/** A source of changes that remembers what it was told, and confirms everything at once. */
export interface RecordingSource extends ChangeSource {
  readonly trust: Trust;
  readonly writes: CommittedWrite[];
  position: string;
  unmappedSeq: number;
  /** While set, `settle` waits for it. */
  hold: Promise<void> | undefined;
}

export function recordingSource(): RecordingSource {
  const trust = new Trust("stream", 10_000, systemClock);
  trust.confirm(instant(systemClock));
  const writes: CommittedWrite[] = [];
  const source: RecordingSource = {
    promise: "stream",
    trust,
    writes,
    unmappedSeq: 0,
    position: "0/0",
    hold: undefined,
    async settle(write) {
      await source.hold;
      writes.push(write);
      return "applied";
    },
    close: async () => undefined,
  };
  return source;
}
