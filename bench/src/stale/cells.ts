// A load holds the old value; a writer changes the source and invalidates; the load ends. Then?
import type { Node, Peer } from "./peer.ts";

export type What = "key" | "tag" | "clear";
export type Where = "same node" | "other node";

export interface Cell {
  readonly what: What;
  /** Whose invalidation it is, seen from the node that loads. */
  readonly where: Where;
}

export const cells: readonly Cell[] = (["key", "tag", "clear"] as const).flatMap((what) =>
  (["same node", "other node"] as const).map((where) => ({ what, where })),
);

/** What came of one cell: undefined where the library has no such call. */
export interface CellCount {
  readonly staleReads: number;
  readonly reads: number;
}

const SETTLE_MS = 100;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs a cell several times, every time with a key of its own, on two nodes over one Redis. */
export async function runCell(
  peer: Peer,
  redisUrl: string,
  cell: Cell,
  times: number,
): Promise<CellCount | undefined> {
  const namespace = `stale-${cell.what}-${cell.where.replace(" ", "-")}-`;
  const [loading, other] = [
    await peer.open(redisUrl, namespace),
    await peer.open(redisUrl, namespace),
  ];
  const writing = cell.where === "same node" ? loading : other;
  const invalidate = invalidation(writing, cell.what);
  let stale = 0;
  let reads = 0;
  if (invalidate !== undefined) {
    for (let time = 0; time < times; time++) {
      const key = `k${time}`;
      for (const value of await once({ loading, other, invalidate }, key)) {
        reads += 1;
        if (value !== "new") stale += 1;
      }
    }
  }
  await Promise.all([loading.close(), other.close()]);
  return invalidate === undefined ? undefined : { staleReads: stale, reads };
}

function invalidation(
  node: Node,
  what: What,
): ((key: string, tag: string) => Promise<unknown>) | undefined {
  if (what === "key") return (key) => node.deleteKey(key);
  if (what === "tag") return node.deleteTag && ((_key, tag) => node.deleteTag!(tag));
  return node.clear && (() => node.clear!());
}

interface Stage {
  readonly loading: Node;
  readonly other: Node;
  readonly invalidate: (key: string, tag: string) => Promise<unknown>;
}

/** The values of the next read of each node. */
async function once(
  { loading, other, invalidate }: Stage,
  key: string,
): Promise<readonly (string | undefined)[]> {
  const tag = `tag-${key}`;
  const source = { value: "old" };
  const started = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const slow = loading.get(key, tag, async () => {
    const { value } = source;
    started.resolve();
    await gate.promise;
    return value;
  });
  await started.promise;
  source.value = "new";
  await invalidate(key, tag);
  gate.resolve();
  await slow;
  // Ample time for every message on its way.
  await wait(SETTLE_MS);
  const read = (node: Node): Promise<string | undefined> =>
    node.get(key, tag, async () => source.value);
  return [await read(loading), await read(other)];
}
