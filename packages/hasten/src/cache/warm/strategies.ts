import { nameOf } from "../keys.ts";
import type { Cache } from "../types.ts";
import { segmentsOf } from "./segments.ts";
import type { WarmStrategy, WarmTask } from "./types.ts";

/** Loads a value of one kind from the segments of its key, which are text. */
export type HotLoad = (segments: readonly string[], key: string) => unknown;

/** What fills the table of the usual strategies. */
export interface StandardTasks {
  /** What the first requests will ask for. @default nothing */
  readonly critical?: WarmStrategy["tasks"];
  /** How the values of each kind of key are loaded: `{ user: ([id]) => loadUser(Number(id)) }`. @default none */
  readonly hot?: Readonly<Record<string, HotLoad>> | undefined;
  /** What changed since then. @default nothing */
  readonly recent?: ((since: Date) => readonly WarmTask[]) | undefined;
  /** The hottest keys looked at; at most 256. @default 100 */
  readonly hotKeysMax?: number | undefined;
  /** How far back recent data goes. @default 7 days */
  readonly recentMs?: number | undefined;
}

export type StandardStrategies = Readonly<
  Record<"critical-only" | "high-frequency" | "recent-data" | "comprehensive", WarmStrategy>
>;

const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 24 * 60 * MINUTE_MS;
const HOT_KEYS_MAX = 100;

/**
 * | strategy | its values are fresh for | what it warms |
 * |---|---|---|
 * | `critical-only` | 5 minutes | what is given as critical |
 * | `high-frequency` | 5 minutes | the hottest keys of this process, by their kinds |
 * | `recent-data` | 10 minutes | what changed within the last 7 days |
 * | `comprehensive` | as theirs | all three |
 */
export function standardStrategies(
  cache: Pick<Cache, "hottest">,
  {
    critical,
    hot = {},
    recent = () => [],
    hotKeysMax = HOT_KEYS_MAX,
    recentMs = WEEK_MS,
  }: StandardTasks,
): StandardStrategies {
  return {
    "critical-only": { ttlMs: 5 * MINUTE_MS, tasks: critical },
    "high-frequency": { ttlMs: 5 * MINUTE_MS, tasks: () => hotTasks(cache, hot, hotKeysMax) },
    "recent-data": {
      ttlMs: 10 * MINUTE_MS,
      tasks: (now) => recent(new Date(now.getTime() - recentMs)),
    },
    comprehensive: { includes: ["critical-only", "high-frequency", "recent-data"] },
  };
}

/** One task for each kind that has hot keys, the hottest kind first. */
function hotTasks(
  cache: Pick<Cache, "hottest">,
  loads: Readonly<Record<string, HotLoad>>,
  keysMax: number,
): readonly WarmTask[] {
  const kinds = new Map<string, string[]>();
  for (const { key } of cache.hottest(keysMax)) {
    const kind = nameOf(key);
    if (!Object.hasOwn(loads, kind)) continue;
    const keys = kinds.get(kind);
    if (keys === undefined) kinds.set(kind, [key]);
    else keys.push(key);
  }
  return [...kinds].map(([kind, keys]) => {
    const load = loads[kind]!;
    return {
      name: `hot ${kind}`,
      run: (warm) =>
        Promise.all(keys.map((key) => warm.one<unknown>(key, () => load(segmentsOf(key), key)))),
    };
  });
}
