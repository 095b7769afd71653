/**
 * Doubly linked lists over typed arrays. Rows 0..heads-1 are the list heads (circular sentinels),
 * every other row is an element of at most one list. Links live in two Int32Arrays, not on the
 * nodes: a node that a caller keeps after `clear` then retains nothing else, and relinking needs
 * no garbage collector barrier.
 */
export class SlotLists {
  next: Int32Array;
  prev: Int32Array;

  constructor(capacity: number, heads: number) {
    this.next = new Int32Array(capacity);
    this.prev = new Int32Array(capacity);
    for (let head = 0; head < heads; head++) {
      this.next[head] = head;
      this.prev[head] = head;
    }
  }

  grow(capacity: number): void {
    const { next, prev } = this;
    this.next = new Int32Array(capacity);
    this.prev = new Int32Array(capacity);
    this.next.set(next);
    this.prev.set(prev);
  }

  /** Puts `slot`, which is in no list, at the newest end of the list at `head`. */
  push(head: number, slot: number): void {
    const newest = this.next[head]!;
    this.next[slot] = newest;
    this.prev[slot] = head;
    this.prev[newest] = slot;
    this.next[head] = slot;
  }

  /** Makes `slot` the oldest of the list at `head`, which it is in. */
  moveToOldest(head: number, slot: number): void {
    this.remove(slot);
    const oldest = this.prev[head]!;
    this.next[slot] = head;
    this.prev[slot] = oldest;
    this.next[oldest] = slot;
    this.prev[head] = slot;
  }

  remove(slot: number): void {
    const before = this.prev[slot]!;
    const after = this.next[slot]!;
    this.next[before] = after;
    this.prev[after] = before;
  }

  /** Makes `slot` the newest of the list at `head`, whichever list it is in now. */
  move(head: number, slot: number): void {
    if (this.next[head] === slot) return;
    this.remove(slot);
    this.push(head, slot);
  }

  /** Oldest slot of the list at `head`, or `head` itself when the list is empty. */
  oldest(head: number): number {
    return this.prev[head]!;
  }
}
