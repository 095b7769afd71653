import { SlotLists } from "../../../../packages/hasten/src/cache/memory/lists.ts";
import type { PolicyFactory } from "./policy.ts";

const SMALL = 0;
const MAIN = 1;
const GHOST = 2;
const HEADS = 3;
const NOWHERE = 255;
const SMALL_SHARE = 0.1;
const FREQUENCY_MAX = 3;

/** S3-FIFO (Yang et al., SOSP 2023): a small queue that filters, a main queue, a ghost queue. */
export const s3Fifo: PolicyFactory = ({ entriesMax, keys }) => {
  const lists = new SlotLists(keys + HEADS, HEADS);
  const where = new Uint8Array(keys + HEADS).fill(NOWHERE);
  const frequency = new Uint8Array(keys + HEADS);
  const size = [0, 0, 0];
  const smallMax = Math.max(1, Math.round(entriesMax * SMALL_SHARE));
  const ghostMax = Math.max(1, entriesMax - smallMax);

  const leave = (slot: number): void => {
    size[where[slot]!]! -= 1;
    lists.remove(slot);
    where[slot] = NOWHERE;
  };
  const enter = (list: number, slot: number): void => {
    lists.push(list, slot);
    where[slot] = list;
    size[list]! += 1;
  };
  const remember = (slot: number): void => {
    if (size[GHOST]! >= ghostMax) leave(lists.oldest(GHOST));
    enter(GHOST, slot);
  };
  const evictMain = (): void => {
    for (;;) {
      const slot = lists.oldest(MAIN);
      leave(slot);
      if (frequency[slot] === 0) return;
      frequency[slot]! -= 1;
      enter(MAIN, slot);
    }
  };
  const evictSmall = (): boolean => {
    const slot = lists.oldest(SMALL);
    leave(slot);
    if (frequency[slot]! > 1) {
      enter(MAIN, slot);
      return false;
    }
    remember(slot);
    return true;
  };
  const evict = (): void => {
    while (size[SMALL]! >= smallMax || size[MAIN] === 0) if (evictSmall()) return;
    evictMain();
  };
  return {
    access(key) {
      const slot = key + HEADS;
      if (where[slot]! < GHOST) {
        if (frequency[slot]! < FREQUENCY_MAX) frequency[slot]! += 1;
        return true;
      }
      const wasGhost = where[slot] === GHOST;
      if (wasGhost) leave(slot);
      while (size[SMALL]! + size[MAIN]! >= entriesMax) evict();
      frequency[slot] = 0;
      enter(wasGhost ? MAIN : SMALL, slot);
      return false;
    },
  };
};
