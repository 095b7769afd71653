// Readers and a writer on two nodes for some seconds: how many answers are older than a change
// whose invalidation was acknowledged at least boundMs before they were asked for?
import type { Node, Peer } from "./peer.ts";

export const BOUND_MS = 500;
const KEYS = 100;
const READERS = 8;
const WRITE_EVERY_MS = 10;
const LOAD_MS_MAX = 40;

export interface StormCount {
  readonly staleReads: number;
  readonly reads: number;
}

interface Version {
  /** The newest version in the source. */
  current: number;
  /** Acknowledged invalidations, oldest first: from then on plus the bound, older ones are stale. */
  readonly acknowledged: { readonly version: number; readonly atMs: number }[];
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const pick = (below: number): number => Math.floor(Math.random() * below);

export async function storm(peer: Peer, redisUrl: string, forMs: number): Promise<StormCount> {
  const nodes = [await peer.open(redisUrl, "storm-"), await peer.open(redisUrl, "storm-")];
  const source = Array.from({ length: KEYS }, (): Version => ({ current: 0, acknowledged: [] }));
  const endMs = performance.now() + forMs;
  const counts = await Promise.all([
    write(nodes, source, endMs),
    ...Array.from({ length: READERS }, (_, n) => read(nodes[n % 2]!, source, endMs)),
  ]);
  await Promise.all(nodes.map((node) => node.close()));
  return counts.reduce((sum, one) => ({
    staleReads: sum.staleReads + one.staleReads,
    reads: sum.reads + one.reads,
  }));
}

async function write(
  nodes: readonly Node[],
  source: readonly Version[],
  endMs: number,
): Promise<StormCount> {
  while (performance.now() < endMs) {
    const at = pick(KEYS);
    const version = source[at]!;
    version.current += 1;
    const written = version.current;
    await nodes[pick(2)]!.deleteKey(`k${at}`);
    version.acknowledged.push({ version: written, atMs: performance.now() });
    await wait(WRITE_EVERY_MS);
  }
  return { staleReads: 0, reads: 0 };
}

async function read(node: Node, source: readonly Version[], endMs: number): Promise<StormCount> {
  let [stale, reads] = [0, 0];
  while (performance.now() < endMs) {
    const at = pick(KEYS);
    const version = source[at]!;
    const askedMs = performance.now();
    const got = await node.get(`k${at}`, `tag-k${at}`, async () => {
      const { current } = version;
      await wait(Math.random() * LOAD_MS_MAX);
      return String(current);
    });
    reads += 1;
    const owed = version.acknowledged.findLast(({ atMs }) => atMs <= askedMs - BOUND_MS);
    if (owed !== undefined && Number(got) < owed.version) stale += 1;
    await wait(1);
  }
  return { staleReads: stale, reads };
}
