/** What a worker is started for. Its first reply tells whether that succeeded. */
export type WorkerTask =
  /** Boots PostgreSQL into an empty directory, shuts it down and ends. */
  | { readonly kind: "fill"; readonly directory: string; readonly collationIsC: boolean }
  /** Runs PostgreSQL on a directory that is its own, and answers each request with one reply. */
  | {
      readonly kind: "serve";
      readonly directory: string;
      readonly collationIsC: boolean;
      readonly extensions: readonly string[];
    };

export type WorkerRequest =
  | { readonly kind: "run"; readonly text: string }
  | { readonly kind: "rows"; readonly text: string; readonly values: readonly unknown[] };

export type WorkerReply =
  | { readonly kind: "rows"; readonly rows: readonly object[] }
  /** PostgreSQL refuses the statement and goes on. */
  | { readonly kind: "refused"; readonly sqlstate: string | undefined }
  /** PostgreSQL did not start, or is in no state to go on. */
  | { readonly kind: "broken"; readonly sqlstate: string | undefined };

/** Of a failure only this leaves the worker: the server's texts may hold values of statistics. */
export function sqlstateIn(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" && /^[0-9A-Z]{5}$/.test(error.code)
    ? error.code
    : undefined;
}
