import { SlotLists } from "../../../../packages/hasten/src/cache/memory/lists.ts";
import type { PolicyFactory } from "./policy.ts";

/** SIEVE (Zhang et al., NSDI 2024): first in, first out, with a hand that spares what was hit. */
export const sieve: PolicyFactory = ({ entriesMax, keys }) => {
  const lists = new SlotLists(keys + 1, 1);
  const held = new Uint8Array(keys + 1);
  const visited = new Uint8Array(keys + 1);
  let size = 0;
  let hand = 0;
  const evict = (): void => {
    let at = hand === 0 ? lists.oldest(0) : hand;
    while (visited[at] === 1) {
      visited[at] = 0;
      at = lists.prev[at]!;
      if (at === 0) at = lists.oldest(0);
    }
    hand = lists.prev[at]!;
    lists.remove(at);
    held[at] = 0;
  };
  return {
    access(key) {
      const slot = key + 1;
      if (held[slot] === 1) {
        visited[slot] = 1;
        return true;
      }
      if (size === entriesMax) evict();
      else size += 1;
      lists.push(0, slot);
      held[slot] = 1;
      visited[slot] = 0;
      return false;
    },
  };
};
