/** Everything that the model knows at one moment: the data, Redis, and how far each process is. */
import type { Deed, Redis } from "./redis.ts";
import { EMPTY } from "./redis.ts";

/**
 * `begun`: its fence is open. `found`: READ's answer is on its way. `loading`: it has a capture.
 * `loaded`: it has read the source. `stored`, `refused`: FILL's answer is on its way.
 */
export type LoaderPhase =
  | "idle"
  | "begun"
  | "found"
  | "loading"
  | "loaded"
  | "stored"
  | "refused"
  | "done";

export interface Loader {
  readonly node: number;
  readonly phase: LoaderPhase;
  /** Epoch 0: without the tier. */
  readonly epoch: number;
  readonly seq: number;
  readonly version: number;
  /** The local fence heard something since it began. */
  readonly void: boolean;
}

/** `taken`: its own process has forgotten the value, Redis has not heard yet. */
export type WriterPhase = "idle" | "committed" | "taken" | "done";

export interface Writer {
  readonly node: number;
  readonly deed: Deed;
  readonly phase: WriterPhase;
  readonly version: number;
}

export interface Heard {
  readonly gap: boolean;
  readonly foreign: boolean;
  readonly position: number;
  readonly epoch: number;
  /** The clock's number at that moment. */
  readonly seq: number;
}

export interface Node {
  /** It came from another server and has not made sure of this one. */
  readonly arriving: boolean;
  /** The version in its memory; 0 for none, -1 for a process without. */
  readonly l1: number;
  /** Place in the log up to which it has heard; -1 for none. */
  readonly position: number;
  readonly epoch: number;
  /** Every invalidation up to this number of the epoch was applied here; -1 for none. */
  readonly applied: number;
  /** Acknowledged by the time its latest confirmation counts from; -1 before the first. */
  readonly confirmed: number;
  /** The newest version that it invalidated for itself. */
  readonly own: number;
  readonly confirming: { readonly sent: number; readonly heard: Heard | null } | null;
}

export interface World {
  readonly db: number;
  /** The newest version whose invalidation was acknowledged, by either verb and by `delete`. */
  readonly acked: number;
  readonly ackedDeleted: number;
  readonly redis: Redis;
  readonly run: number;
  readonly epochs: number;
  readonly replica: Redis | null;
  /** What the server of before a failover still has. */
  readonly former: Redis | null;
  readonly moves: number;
  readonly nodes: readonly Node[];
  readonly loaders: readonly Loader[];
  readonly writers: readonly Writer[];
  /** What a caller got that it must not. */
  readonly broken: string;
}

export interface Setting {
  readonly name: string;
  /** Node of each loader. */
  readonly loaders: readonly number[];
  readonly writers: readonly { readonly node: number; readonly deed: Deed }[];
  /** Which nodes have a memory of their own. */
  readonly memories: readonly number[];
  /** The log and confirmations matter. */
  readonly log: boolean;
  /** Redis keys may vanish at any step: every one, or the clock and all together, or none. */
  readonly evictions: "every key" | "the clock" | "none";
  /** Clocks that may be lost. */
  readonly epochsMax: number;
  /** Changes of server: 1 for a failover to a lagging replica, 2 for one back to old data. */
  readonly movesMax: number;
  /** A deposed server still takes the invalidations of who has not noticed. */
  readonly deposed: boolean;
  /**
   * The first loader's value is kept in memory only, the second one's in the tier only, and that is
   * made from the first one's where it is in memory.
   */
  readonly composed?: boolean | undefined;
}

export function startOf(setting: Setting): World {
  const nodes = 1 + Math.max(...setting.loaders, ...setting.writers.map(({ node }) => node));
  return {
    db: 1,
    acked: 1,
    ackedDeleted: 1,
    redis: EMPTY,
    run: 1,
    epochs: 0,
    replica: null,
    former: null,
    moves: 0,
    nodes: Array.from({ length: nodes }, (_, node) => ({
      arriving: false,
      l1: setting.memories.includes(node) ? 0 : -1,
      position: -1,
      epoch: 0,
      applied: -1,
      confirmed: -1,
      own: 0,
      confirming: null,
    })),
    loaders: setting.loaders.map((node) => ({
      node,
      phase: "idle",
      epoch: 0,
      seq: 0,
      version: 0,
      void: false,
    })),
    writers: setting.writers.map(({ node, deed }) => ({ node, deed, phase: "idle", version: 0 })),
    broken: "",
  };
}

export function withLoader(world: World, at: number, change: Partial<Loader>): World {
  const loaders = world.loaders.map((one, index) => (index === at ? { ...one, ...change } : one));
  return { ...world, loaders };
}

export function withNode(world: World, at: number, change: Partial<Node>): World {
  const nodes = world.nodes.map((one, index) => (index === at ? { ...one, ...change } : one));
  return { ...world, nodes };
}

export function withWriter(world: World, at: number, change: Partial<Writer>): World {
  const writers = world.writers.map((one, index) => (index === at ? { ...one, ...change } : one));
  return { ...world, writers };
}

/** The fence of a process hears: loads under way may not be kept, and its memory is empty. */
export function forget(world: World, node: number): World {
  const loaders = world.loaders.map((one) =>
    one.node === node && one.phase !== "idle" && one.phase !== "done"
      ? { ...one, void: true }
      : one,
  );
  const cleared = world.nodes[node]!.l1 === -1 ? {} : { l1: 0 };
  return withNode({ ...world, loaders }, node, cleared);
}
