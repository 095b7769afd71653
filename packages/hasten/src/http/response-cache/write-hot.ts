/**
 * Keys whose entries are invalidated before anyone reads them: storing those costs and gains
 * nothing, so after DEATHS_MAX such lives in a row a key is left alone for PAUSE_MS.
 */
const DEATHS_MAX = 4;
const PAUSE_MS = 10_000;
const KEYS_MAX = 5_000;

export interface WriteHot {
  /** False while the key should not be stored. */
  mayStore(key: string): boolean;
  /** A new life begins. Returns true when the key has just become write-hot. */
  noteStored(key: string, usage: { readonly hits: number }, freshUntilMs: number): boolean;
}

interface Life {
  usage: { readonly hits: number };
  freshUntilMs: number;
  deaths: number;
  pausedUntilMs: number;
}

export function createWriteHot(nowMs: () => number): WriteHot {
  const lives = new Map<string, Life>();
  return {
    mayStore(key) {
      const life = lives.get(key);
      return life === undefined || life.pausedUntilMs <= nowMs();
    },
    noteStored(key, usage, freshUntilMs) {
      const life = lives.get(key);
      if (life === undefined) {
        if (lives.size >= KEYS_MAX) lives.delete(lives.keys().next().value!);
        lives.set(key, { usage, freshUntilMs, deaths: 0, pausedUntilMs: 0 });
        return false;
      }
      const now = nowMs();
      const diedUnread = life.usage.hits === 0 && now < life.freshUntilMs;
      life.deaths = diedUnread ? life.deaths + 1 : 0;
      life.usage = usage;
      life.freshUntilMs = freshUntilMs;
      if (life.deaths < DEATHS_MAX) return false;
      life.deaths = 0;
      life.pausedUntilMs = now + PAUSE_MS;
      return true;
    },
  };
}
