/**
 * Keys whose entries are invalidated before anyone reads them: storing those costs and gains
 * nothing, so after DEATHS_MAX such lives in a row a key is left alone for PAUSE_MS.
 */
import type { Dependency } from "../../core/trace/index.ts";
import { holds } from "./dependency.ts";

const DEATHS_MAX = 4;
const PAUSE_MS = 10_000;
const KEYS_MAX = 5_000;

export interface WriteHot {
  /** False while the key should not be stored. */
  mayStore(key: string): boolean;
  /** A new life begins. Returns true when the key has just become write-hot. */
  noteStored(key: string, born: Birth): boolean;
}

/** A stored response: one of the variants of its key. */
export interface Birth {
  readonly variantKey: string;
  readonly usage: { readonly hits: number };
  readonly freshUntilMs: number;
  readonly dependency: Dependency | undefined;
}

interface Life {
  usage: { readonly hits: number };
  freshUntilMs: number;
  dependency: Dependency | undefined;
  deaths: number;
}

export function createWriteHot(nowMs: () => number): WriteHot {
  const lives = new Map<string, Life>();
  const paused = new Map<string, number>();
  return {
    mayStore(key) {
      const untilMs = paused.get(key);
      if (untilMs === undefined) return true;
      if (untilMs > nowMs()) return false;
      paused.delete(key);
      return true;
    },
    noteStored(key, { variantKey, usage, freshUntilMs, dependency }) {
      const name = `${key}\n${variantKey}`;
      const life = lives.get(name);
      if (life === undefined) {
        if (lives.size >= KEYS_MAX) lives.clear();
        lives.set(name, { usage, freshUntilMs, dependency, deaths: 0 });
        return false;
      }
      const inTime = nowMs() < life.freshUntilMs;
      // What lapsed with its source of changes was made untrue by no write.
      const diedUnread = life.usage.hits === 0 && inTime && holds(life.dependency);
      life.deaths = diedUnread ? life.deaths + 1 : 0;
      life.usage = usage;
      life.freshUntilMs = freshUntilMs;
      life.dependency = dependency;
      if (life.deaths < DEATHS_MAX) return false;
      life.deaths = 0;
      if (paused.size >= KEYS_MAX) paused.clear();
      paused.set(key, nowMs() + PAUSE_MS);
      return true;
    },
  };
}
