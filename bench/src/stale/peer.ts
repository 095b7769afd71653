/** One library under test, as its documentation sets it up for several processes over Redis. */
export interface Peer {
  /** How its pages call what is configured here. */
  readonly setup: string;
  /** One node: what a process of its own would have. Nodes of one run share a namespace. */
  open(redisUrl: string, namespace: string): Promise<Node>;
}

/** Loads what the source holds now. */
export type Load = (key: string) => Promise<string>;

export interface Node {
  /** Get-or-compute; the value is tagged `tag` where the library has tags. */
  get(key: string, tag: string, load: Load): Promise<string | undefined>;
  deleteKey(key: string): Promise<unknown>;
  deleteTag?(tag: string): Promise<unknown>;
  clear?(): Promise<unknown>;
  close(): Promise<unknown>;
}

export const TTL_MS = 600_000;
