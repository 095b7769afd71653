/** What the processes of a run tell each other, over the IPC channel of `fork`. */
import type { Mutant } from "./mutants.ts";
import type { Read, Write } from "./oracle.ts";

/** Where Redis is: a server, or Sentinels that know. */
export type RedisPlace =
  | { readonly kind: "server"; readonly url: string }
  | {
      readonly kind: "sentinels";
      readonly name: string;
      readonly nodes: readonly { readonly host: string; readonly port: number }[];
    };

export interface NodeSettings {
  /** Of the process in a place: `node 0#2` is the third one there. */
  readonly name: string;
  readonly at: number;
  readonly redis: RedisPlace;
  /** Of the source of truth, on this machine. */
  readonly sourcePort: number;
  readonly boundMs: number;
  readonly seed: number;
  /** How long what it keeps in its own memory is fresh. */
  readonly memoryTtlMs: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  readonly mutant: Mutant | undefined;
}

export type FromNode =
  | { readonly kind: "ready" }
  | {
      readonly kind: "told";
      /** Counts the processes that there were, one after the other, in every place. */
      readonly process: string;
      readonly reads: readonly Read[];
      readonly writes: readonly Write[];
      readonly counts: NodeCounts;
    };

/** Since it told last. */
export interface NodeCounts {
  readonly loads: number;
  readonly errors: number;
  readonly queued: number;
  /** The latest error of a call, for people. */
  readonly error: string | undefined;
  /** Of the tier, since the process began. */
  readonly tierHits: number;
  readonly refusedFills: number;
  readonly gaps: number;
}

/** The first argument of a process of ours. */
export function settingsOf(): NodeSettings {
  return JSON.parse(process.argv[2] ?? "{}") as NodeSettings;
}

/** Tells the parent; says nothing where the parent has gone. */
export function tell(message: FromNode): void {
  if (process.connected) process.send?.(message, () => undefined);
}
