/** Where the rows of a stream come from: portions in order, one after the other. */
export interface Portions<R> {
  /** The next portion, never empty; undefined after the last. Not called again before it settled. */
  next(): Promise<readonly R[] | undefined>;
  /** Ends it and lets go of what it holds; resolves when that is done. Never rejects, may be called again. */
  close(): Promise<void>;
}
