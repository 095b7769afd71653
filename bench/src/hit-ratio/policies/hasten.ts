import {
  createMemoryStore,
  MemoryNode,
} from "../../../../packages/hasten/src/cache/memory/index.ts";
import type { PolicyFactory } from "./policy.ts";

const SEED = 7;

/** The library's own store, as a cache uses it: `get`, and `set` after a miss. */
export const hasten: PolicyFactory = ({ entriesMax, keys }) => {
  const store = createMemoryStore({ entriesMax, bytesMax: Number.MAX_SAFE_INTEGER, seed: SEED });
  const names = Array.from({ length: keys }, (_, key) => `key:${key}`);
  return {
    access(key) {
      const name = names[key]!;
      if (store.get(name) !== undefined) return true;
      store.set(new MemoryNode(name, 1));
      return false;
    },
  };
};
