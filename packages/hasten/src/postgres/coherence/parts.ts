import type { InvalidationLog } from "../../core/invalidation-log.ts";
import { type CoherencePromise, instant, Trust } from "../../core/trust.ts";
import type { Analysis, Analyzer } from "../statements/analysis.ts";
import type { ResolvedCoherence } from "./options.ts";
import { alone } from "./own-writes.ts";
import type { ChangeSource } from "./source.ts";

/** How one mode stands. */
export interface PartStatus {
  readonly state: "live" | "late" | "lost";
  readonly because?: string | undefined;
  /** Replication slots that it holds now. @default 0 */
  readonly slots?: number;
}

/** One mode in force: where changes come from, and who understands statements for it. */
export interface Part {
  readonly promise: CoherencePromise;
  readonly source: ChangeSource;
  readonly log: InvalidationLog;
  readonly analyzer: Analyzer;
  status(): PartStatus;
  handOver(): Promise<void>;
  /** Ends its trust and everything that it opened. Never rejects. */
  close(): Promise<void>;
}

/** What is in force before a mode could be chosen, and where nothing is promised. */
export function nothingPart(options: ResolvedCoherence, because: string, passing = false): Part {
  const { boundMs, clock } = options;
  const trust = new Trust("ttl", boundMs, clock);
  trust.end();
  const source: ChangeSource = {
    promise: "ttl",
    trust,
    unmappedSeq: 0,
    position: "0/0",
    async settle() {
      trust.suspend(instant(clock));
      return "applied";
    },
    close: async () => undefined,
  };
  return {
    promise: "ttl",
    source,
    log: alone(trust),
    analyzer: opaque(because, passing),
    status: () => ({ state: "lost", because }),
    handOver: async () => undefined,
    close: () => source.close(),
  };
}

/** Understands nothing: every read is untracked, every text may write. */
function opaque(because: string, passing: boolean): Analyzer {
  const analysis: Analysis = { kind: "opaque", because, mayWrite: true, stateful: false, passing };
  return { peek: () => analysis, analyse: async () => analysis };
}
