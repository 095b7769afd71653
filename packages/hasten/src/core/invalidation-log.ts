import type { Trust } from "./trust.ts";

/** One invalidation by an application, as other processes are told of it. */
export interface LoggedInvalidation {
  /** The cache's name: only caches of this name apply it. */
  readonly cache: string;
  readonly how: "deleted" | "expired" | "cleared";
  readonly keys: readonly string[];
  readonly tags: readonly string[];
  readonly prefixes: readonly string[];
}

/**
 * How invalidations reach the other processes: a port that the cache uses and a change stream (or
 * Redis) fills.
 */
export interface InvalidationLog {
  /** What entries stored now hang on: while it does not hold, an invalidation may have been missed. */
  readonly trust: Trust;
  /**
   * Tells the others. Resolves `applied` once it is durably in the log, `queued` if that took too
   * long: it is sent later, in order, the oldest dropped beyond the bound (which ends the trust of
   * nobody else: they are told to drop everything). Never rejects.
   */
  publish(
    invalidation: LoggedInvalidation,
  ): Promise<{ readonly kind: "applied" } | { readonly kind: "queued"; readonly depth: number }>;
  /** Called for each invalidation of other processes, in order. Returns how to stop. */
  subscribe(apply: (invalidation: LoggedInvalidation) => void): () => void;
}
