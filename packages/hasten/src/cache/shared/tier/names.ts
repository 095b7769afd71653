/**
 * Names of invalidations that were not told to Redis yet.
 *
 * Invariants:
 * - The union of what was added: the newest wins, delete beats expire, everything beats both.
 * - At most `max` names; one more makes it everything.
 */
import type { LoggedInvalidation } from "../../../core/invalidation-log.ts";

export type Named = Pick<LoggedInvalidation, "how" | "keys" | "tags" | "prefixes">;

const NONE: readonly string[] = [];
export const EVERYTHING: Named = { how: "cleared", keys: NONE, tags: NONE, prefixes: NONE };

/** Whom a read is asked for: its key and what the entry depends on. */
export interface Subject {
  readonly key: string;
  readonly tags: readonly string[];
  readonly prefixes: readonly string[];
}

type Kind = "keys" | "tags" | "prefixes";
const KINDS: readonly Kind[] = ["keys", "tags", "prefixes"];
type Sets = Readonly<Record<Kind, Set<string>>>;
const sets = (): Sets => ({ keys: new Set(), tags: new Set(), prefixes: new Set() });

export class Names {
  #everything = false;
  #size = 0;
  readonly #max: number;
  #deleted = sets();
  #expired = sets();

  constructor(max: number) {
    this.#max = max;
  }

  get everything(): boolean {
    return this.#everything;
  }

  get empty(): boolean {
    return this.#size === 0 && !this.#everything;
  }

  /** Names; everything counts as one. */
  get size(): number {
    return this.#everything ? 1 : this.#size;
  }

  /** Says whether it became everything for want of room. */
  add(named: Named): boolean {
    if (this.#everything) return false;
    if (named.how === "cleared") {
      this.#all();
      return false;
    }
    for (const kind of KINDS) for (const name of named[kind]) this.#one(named.how, kind, name);
    if (this.#size <= this.#max) return false;
    this.#all();
    return true;
  }

  /** What of it the entry must not outlive. */
  cover(subject: Subject): "deleted" | "expired" | undefined {
    if (this.#everything) return "deleted";
    if (this.#size === 0) return undefined;
    if (touches(this.#deleted, subject)) return "deleted";
    return touches(this.#expired, subject) ? "expired" : undefined;
  }

  /** Takes all of it out, in parts of at most `partMax` names. */
  take(partMax: number): readonly Named[] {
    if (this.#everything) {
      this.#reset();
      return [EVERYTHING];
    }
    const parts = [
      ...partsOf("deleted", this.#deleted, partMax),
      ...partsOf("expired", this.#expired, partMax),
    ];
    this.#reset();
    return parts;
  }

  #one(how: "deleted" | "expired", kind: Kind, name: string): void {
    if (this.#deleted[kind].has(name)) return;
    const had = this.#expired[kind].has(name);
    if (how === "expired" && had) return;
    if (had) this.#expired[kind].delete(name);
    else this.#size += 1;
    (how === "deleted" ? this.#deleted : this.#expired)[kind].add(name);
  }

  #all(): void {
    this.#reset();
    this.#everything = true;
  }

  #reset(): void {
    this.#everything = false;
    this.#size = 0;
    this.#deleted = sets();
    this.#expired = sets();
  }
}

function touches(names: Sets, { key, tags, prefixes }: Subject): boolean {
  if (names.keys.has(key)) return true;
  if (names.tags.size > 0 && tags.some((tag) => names.tags.has(tag))) return true;
  return names.prefixes.size > 0 && prefixes.some((prefix) => names.prefixes.has(prefix));
}

/** Whether one invalidation names something that the entry depends on. */
export function names({ how, keys, tags, prefixes }: Named, subject: Subject): boolean {
  if (how === "cleared" || keys.includes(subject.key)) return true;
  if (tags.length > 0 && subject.tags.some((tag) => tags.includes(tag))) return true;
  return prefixes.length > 0 && subject.prefixes.some((prefix) => prefixes.includes(prefix));
}

function* partsOf(how: "deleted" | "expired", all: Sets, partMax: number): Iterable<Named> {
  let part = { how, keys: [] as string[], tags: [] as string[], prefixes: [] as string[] };
  let size = 0;
  for (const kind of KINDS) {
    for (const name of all[kind]) {
      if (size === partMax) {
        yield part;
        part = { how, keys: [], tags: [], prefixes: [] };
        size = 0;
      }
      part[kind].push(name);
      size += 1;
    }
  }
  if (size > 0) yield part;
}
