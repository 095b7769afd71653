import type { CoarseClock } from "../core/coarse-clock.ts";
import type { Codec } from "./codec.ts";
import { Entry, type Lifetime, survives } from "./entry.ts";
import { codecMismatch } from "./errors.ts";
import { publish } from "./events.ts";
import type { Fence } from "./fence.ts";
import type { Guard } from "./guard.ts";
import { type Gone, goneOf, type History } from "./history.ts";
import { type KeyOptions, nameOf } from "./keys.ts";
import { createMemoryStore, type MemoryStore } from "./memory/index.ts";
import type { ResolvedOptions } from "./options.ts";
import type { Counters } from "./stats.ts";
import type { Outcome, RefusedBecause } from "./types.ts";
import { type AdmitOptions, type Admitted, admit } from "./value.ts";

/** Tags of an entry: those it was given, and those of what was read for it. */
export const KEPT_TAGS_MAX = 128;

/** How one value is kept, when everything is known. */
export interface Placement {
  readonly lifetime: Lifetime;
  readonly tags: readonly string[];
  readonly guard: Guard | undefined;
  readonly failure?: boolean;
}

/** Where entries are kept in this process: the bounded store, and what it must tell the fence. */
export interface Shelf {
  readonly memory: MemoryStore<Entry>;
  /**
   * The entry, unless it was invalidated; those are removed on the way. Not counted as a use: who
   * answers with it calls `memory.touch`, who replaces it need not.
   */
  find(key: string): Entry | undefined;
  put(key: string, admitted: Admitted, placement: Placement): Outcome;
  /** An entry that is kept only once it is given to `keep`. */
  make(key: string, admitted: Admitted, placement: Placement): Entry;
  /** Takes the place of what is kept under its key. Refused, it is still a value to be used. */
  keep(entry: Entry): Outcome;
  /** @param gone how, for those who ask why */
  remove(key: string, gone?: Pick<Gone, "because" | "state">): void;
  clear(): void;
  admit(key: string, value: unknown, call: Partial<AdmitOptions>): Admitted;
  /** That of its kind. */
  codecOf(key: string): Codec<unknown> | undefined;
  register(name: string, options: KeyOptions<never>): void;
}

export function createShelf(
  options: ResolvedOptions,
  shared: {
    readonly fence: Fence;
    readonly counters: Counters;
    readonly coarse: CoarseClock;
    readonly history: History;
  },
): Shelf {
  const { fence, counters, coarse, history } = shared;
  const kinds = new Map<string, KeyOptions<never>>();
  const memory = createMemoryStore<Entry>({
    entriesMax: options.entriesMax,
    bytesMax: options.bytesMax,
    onEvict(entry) {
      counters.evictions += 1;
      fence.detach(entry.records);
      publish({ cache: options.name, kind: "evicted", key: entry.key });
    },
  });

  const kindOf = (key: string): KeyOptions<never> | undefined =>
    kinds.size === 0 ? undefined : kinds.get(nameOf(key));
  const make: Shelf["make"] = (key, admitted, placement) =>
    new Entry(fence, key, admitted, {
      nowMs: coarse.now(),
      lifetime: placement.lifetime,
      tags: placement.tags,
      records: fence.attach(key, placement.tags),
      failure: placement.failure === true,
      guard: placement.guard,
    });
  const keep: Shelf["keep"] = (entry) => {
    const previous = memory.peek(entry.key);
    if (previous !== undefined) fence.detach(previous.records);
    if (memory.set(entry) === "stored") {
      counters.stored += 1;
      return APPLIED;
    }
    return refused(entry.bytes > options.bytesMax ? "larger than the cache" : "not admitted");
  };

  const remove: Shelf["remove"] = (key, gone) => {
    const entry = memory.delete(key);
    if (entry === undefined) return;
    entry.dropped = true;
    if (gone !== undefined) history.add(key, { ...goneOf(entry, coarse.now()), ...gone });
    fence.detach(entry.records);
  };

  return {
    memory,
    remove,
    find(key) {
      const entry = memory.peek(key);
      if (entry === undefined || survives(entry, fence)) return entry;
      history.add(key, goneOf(entry, coarse.now()));
      remove(key);
      return undefined;
    },
    make,
    keep,
    put: (key, admitted, placement) =>
      placement.tags.length > KEPT_TAGS_MAX
        ? refused("too many tags")
        : keep(make(key, admitted, placement)),
    clear() {
      memory.clear();
    },
    admit(key, value, call) {
      const kind = kindOf(key);
      return admit(value, {
        codec: call.codec ?? (kind?.codec as Codec<unknown> | undefined),
        sizeOf: call.sizeOf ?? (kind?.sizeOf as ((value: unknown) => number) | undefined),
      });
    },
    codecOf: (key) => kindOf(key)?.codec as Codec<unknown> | undefined,
    register(name, kind) {
      const known = kinds.get(name);
      if (known !== undefined && known.codec !== kind.codec) throw codecMismatch(name);
      if (kind.codec !== undefined || kind.sizeOf !== undefined) kinds.set(name, kind);
    },
  };
}

export const APPLIED: Outcome = { kind: "applied" };

export function refused(because: RefusedBecause): Outcome {
  return { kind: "refused", because };
}
