import { SlotLists } from "../../../../packages/hasten/src/cache/memory/lists.ts";
import type { PolicyFactory } from "./policy.ts";

/** Evicts what was used longest ago. */
export const lru: PolicyFactory = ({ entriesMax, keys }) => {
  const lists = new SlotLists(keys + 1, 1);
  const held = new Uint8Array(keys + 1);
  let size = 0;
  return {
    access(key) {
      const slot = key + 1;
      if (held[slot] === 1) {
        lists.move(0, slot);
        return true;
      }
      if (size === entriesMax) {
        const victim = lists.oldest(0);
        lists.remove(victim);
        held[victim] = 0;
      } else size += 1;
      lists.push(0, slot);
      held[slot] = 1;
      return false;
    },
  };
};
