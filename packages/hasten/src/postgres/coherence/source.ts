import type { CoherencePromise, Trust } from "../../core/trust.ts";

/** A write whose COMMIT (or autocommit) the server has acknowledged, and its caller not yet seen. */
export interface CommittedWrite {
  /** From the texts: table and broad tags. */
  readonly tags: readonly string[];
  /** Whether the texts tell everything it changed. */
  readonly complete: boolean;
  readonly changesSchema: boolean;
}

/** Where changes of one database are learnt from: the WAL, triggers, or only this process's writes. */
export interface ChangeSource {
  readonly promise: CoherencePromise;
  /**
   * What answers read from now on hang on; undefined where the source confirms nothing
   * (own writes only). During a gap it is an ended one.
   */
  readonly trust: Trust | undefined;
  /**
   * The sequence number at which a change was last applied to a relation nothing was known to
   * depend on: a statement understood only after it was sent is not tracked if this is above its
   * trace's.
   */
  readonly unmappedSeq: number;
  /** Position up to which changes were applied, `0/0` if unknown. For replicas. */
  readonly position: string;
  /**
   * Resolves when this process serves nothing that the write made untrue: `applied`, or `queued`
   * after at most 250 ms. Never rejects.
   */
  settle(write: CommittedWrite): Promise<"applied" | "queued">;
  close(): Promise<void>;
}

/** Applies dropped tags to every attached cache, in one step: `sequence.next()` once for each cache. */
export type DropTags = (tags: readonly string[], because: string) => void;
