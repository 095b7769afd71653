export interface MatchingJob {
  /** Stops after so many deleted. 1 to 100,000,000. @default 1_000_000 */
  readonly max?: number | undefined;
  /** Keys looked at in one go. 1 to 10,000. @default 500 */
  readonly pageSize?: number | undefined;
  /** Ends it; what was deleted stays deleted. The iteration rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface MatchingProgress {
  /** Where it is: in Redis, or in this process. */
  readonly tier: "shared" | "memory";
  /** Keys looked at, in both. */
  readonly scanned: number;
  readonly deleted: number;
  /** Of the tier that it is in, about. */
  readonly percent: number;
  /** `max` deleted: more may match. */
  readonly stopped: boolean;
  readonly done: boolean;
}

/** Progress while it runs; at most one of the two is used. */
export interface MatchingRun extends AsyncIterable<MatchingProgress> {
  /** Runs to the end and tells how it ended. */
  done(): Promise<MatchingProgress>;
}

export interface Matching {
  /**
   * Deletes what matches a glob (`user:*:orders`), in both tiers, a page at a time. Runs when it is
   * iterated, or `done()` is called. For text from outside use `escapeGlob`.
   * @throws HastenError HST_CACHE_GLOB, HST_CACHE_OPTION
   */
  deleteMatching(glob: string, job?: MatchingJob): MatchingRun;
}
