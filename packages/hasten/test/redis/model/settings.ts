/** What is explored: which processes, and what goes wrong around them. */
import type { Mutant } from "./mutants.ts";
import type { Deed } from "./redis.ts";
import type { Setting } from "./world.ts";

const TIER = {
  loaders: [0, 1],
  memories: [],
  log: false,
  evictions: "every key",
  epochsMax: 2,
  movesMax: 0,
  deposed: false,
} as const;

/** Everything is in the tier: loaders and writers in processes of their own. */
function tier(deeds: readonly Deed[], changed: Partial<Setting> = {}): Setting {
  const writers = deeds.map((deed, at) => ({ node: 2 + at, deed }));
  return { ...TIER, name: `tier: ${deeds.join(", ")}`, writers, ...changed };
}

const MEMORY = {
  memories: [0],
  log: true,
  evictions: "the clock",
  epochsMax: 2,
  movesMax: 0,
  deposed: false,
} as const;

const OWN = { node: 0, deed: "delete key" } as const;
const KEY = { node: 1, deed: "delete key" } as const;
const TAG = { node: 1, deed: "delete tag" } as const;

/** A process with a memory of its own, which hears of invalidations by the log. */
function memory(
  name: string,
  changed: Pick<Setting, "loaders" | "writers"> & Partial<Setting>,
): Setting {
  return { ...MEMORY, name: `memory: ${name}`, ...changed };
}

const SERVERS = { evictions: "none", epochsMax: 1, movesMax: 1 } as const;

const servers = (deed: Deed): Setting[] => [
  tier([deed], { ...SERVERS, name: `failover to a lagging replica: ${deed}` }),
  tier([deed], {
    ...SERVERS,
    name: `failover, and back to old data: ${deed}`,
    loaders: [0],
    writers: [{ node: 1, deed }],
    movesMax: 2,
  }),
  tier([deed], {
    ...SERVERS,
    name: `a deposed server takes invalidations: ${deed}`,
    loaders: [0],
    writers: [{ node: 1, deed }],
    deposed: true,
  }),
];

/** Explored by every `npm test`. */
export const SETTINGS: readonly Setting[] = [
  tier(["delete key"]),
  tier(["delete tag"]),
  tier(["expire key"]),
  tier(["expire tag"]),
  tier(["clear"]),
  tier(["put"]),
  tier(["other", "delete key"], { epochsMax: 1 }),
  tier(["delete key", "delete tag"], { epochsMax: 1 }),
  ...servers("delete key"),
  ...servers("expire tag"),
  memory("key deleted elsewhere", { loaders: [0, 0], writers: [KEY], epochsMax: 1 }),
  memory("tag deleted elsewhere, clock lost", { loaders: [0], writers: [TAG] }),
  memory("key deleted elsewhere, everything evicted", {
    loaders: [0],
    writers: [KEY],
    evictions: "every key",
    epochsMax: 1,
  }),
  memory("key deleted here", { loaders: [0, 0], writers: [OWN], evictions: "none" }),
  memory("key deleted here and elsewhere", {
    loaders: [0],
    writers: [OWN, KEY],
    evictions: "none",
  }),
  memory("a value made from one in memory", {
    loaders: [0, 0],
    writers: [TAG],
    composed: true,
    epochsMax: 1,
  }),
  memory("failover", { loaders: [0], writers: [KEY], ...SERVERS }),
];

/** Explored by `npm run chaos:redis` as well. */
export const WIDE_SETTINGS: readonly Setting[] = [
  tier(["delete key", "delete tag"], { name: "wide tier: delete key, delete tag" }),
  tier(["expire tag", "delete key"], { name: "wide tier: expire tag, delete key" }),
  tier(["clear", "expire key"], { name: "wide tier: clear, expire key" }),
  memory("wide: key deleted elsewhere, clock lost", { loaders: [0, 0], writers: [KEY] }),
  memory("wide: key and tag deleted elsewhere, clock lost", { loaders: [0], writers: [KEY, TAG] }),
  memory("wide: key deleted elsewhere, everything evicted, clock lost", {
    loaders: [0],
    writers: [KEY],
    evictions: "every key",
  }),
  memory("wide: a value made from one in memory, clock lost", {
    loaders: [0, 0],
    writers: [TAG],
    composed: true,
  }),
  memory("wide: key deleted here and elsewhere, clock lost", {
    loaders: [0],
    writers: [OWN, KEY],
  }),
];

/** Where each mutant shows. */
export const EXPOSED_BY: Readonly<Record<Mutant, string>> = {
  "blind-set": "tier: delete key",
  "late-capture": "tier: delete key",
  "missing-is-zero": "tier: delete tag",
  "wall-clock-tags": "tier: delete tag",
  "unsealed-flight": "tier: delete key",
  "landed-before-fill": "tier: delete tag",
  "marks-shed-silently": "tier: delete key",
  "marks-lost-silently": "tier: delete key",
  "fill-lowers-clock": "tier: other, delete key",
  "fill-lowers-record": "tier: delete tag",
  "expire-does-not-mark": "tier: expire key",
  "present-tags-unmarked": "tier: delete tag",
  "records-without-marks": "tier: delete tag",
  "lost-epoch": "tier: delete key",
  "run-id-unchecked": "failover to a lagging replica: delete key",
  "arrival-does-not-renew": "failover, and back to old data: delete key",
  "confirmed-by-xread": "memory: key deleted elsewhere",
  "confirmed-at-receipt": "memory: key deleted elsewhere",
  "first-confirmation-keeps": "memory: key deleted elsewhere",
  "fence-unasked": "memory: key deleted elsewhere",
  "capture-of-read": "memory: a value made from one in memory",
  "own-read-overtakes": "memory: key deleted here",
};

export function settingNamed(name: string): Setting {
  const found = SETTINGS.find((setting) => setting.name === name);
  if (found === undefined) throw new Error(`no setting "${name}"`);
  return found;
}
