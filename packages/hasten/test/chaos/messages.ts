/** What the processes of a run tell each other, over the IPC channel of `fork`. */

import type { AnyMutant } from "./every-mutant.ts";
import type { Write } from "./oracle.ts";

/** Field of a request: what its answer must show, if it comes from a replica. */
export const TOKEN_FIELD = "x-read-after";

export interface ApiSettings {
  /** Of its pool: through the pooler where there is one. */
  readonly url: string;
  /** Past the pooler; undefined where there is none. */
  readonly directUrl: string | undefined;
  /** Where reads go; undefined: to the same server as writes. */
  readonly replicaUrl: string | undefined;
  readonly name: string;
  /** Undefined: each process for itself. */
  readonly redisUrl: string | undefined;
  readonly boundMs: number;
  readonly poolMax: number;
  readonly mutant: AnyMutant | undefined;
  /** A control: the same application without any cache. */
  readonly bare: boolean;
}

export interface WriterSettings {
  readonly url: string;
  readonly name: string;
  readonly seed: number;
  readonly writesPerSecond: number;
}

export type FromApi = { readonly kind: "ready"; readonly port: number };

export type FromWriter =
  | { readonly kind: "wrote"; readonly write: Write }
  | { readonly kind: "rolled-back" }
  | { readonly kind: "done" };

/** The first argument of a process of ours. */
export function settingsOf<T>(): T {
  return JSON.parse(process.argv[2] ?? "{}") as T;
}

/** Tells the parent; says nothing where the parent has gone. */
export function tell(message: FromApi | FromWriter): void {
  if (process.connected) process.send?.(message, () => undefined);
}
