import type { Entry } from "./entry.ts";

/** A plan that is not run by the node above it but by whoever first asks for its result. */
export interface Lazy {
  readonly node: number;
  readonly takers: readonly { readonly node: number; readonly amount: number }[];
  /** Run after everything else, outside the root: what a writing CTE has left to do. */
  readonly outside: number;
}

export interface LazyPlans {
  readonly plans: readonly Lazy[];
  readonly lazy: ReadonlySet<number>;
  /** Per taker, the sum of what it ran. */
  readonly taken: ReadonlyMap<number, number>;
}

/** Characters of one node's expressions that are searched for the names of InitPlans. */
const SEARCHED_MAX = 20_000;

/** InitPlans and CTEs followed to who runs them; further ones count as run by the node above. */
const LAZY_MAX = 500;

/** Finds InitPlans and CTEs, and which nodes ran them. */
export function lazyPlans(entries: readonly Entry[], inclusive: readonly number[]): LazyPlans {
  const lazy = new Set<number>();
  for (const [at, entry] of entries.entries()) {
    if (entry.relationship === "InitPlan" && entry.parent >= 0 && lazy.size < LAZY_MAX)
      lazy.add(at);
  }
  const taken = new Map<number, number>();
  if (lazy.size === 0) return { plans: [], lazy, taken };
  const users = usersOf(entries, lazy);
  const plans: Lazy[] = [];
  for (const node of lazy) {
    const amount = inclusive[node] ?? 0;
    const roomOf = (at: number) => roomIn(at, { entries, inclusive, lazy, taken });
    const takers = take(users.get(node) ?? [], amount, roomOf);
    let left = amount;
    for (const taker of takers) {
      taken.set(taker.node, (taken.get(taker.node) ?? 0) + taker.amount);
      left -= taker.amount;
    }
    const writes = entries[node]?.type === "ModifyTable";
    plans.push({ node, takers, outside: writes ? Math.max(left, 0) : 0 });
  }
  return { plans, lazy, taken };
}

interface Rooms {
  readonly entries: readonly Entry[];
  readonly inclusive: readonly number[];
  readonly lazy: ReadonlySet<number>;
  readonly taken: ReadonlyMap<number, number>;
}

/** What a node spent that its ordinary children and the plans already given to it do not explain. */
function roomIn(at: number, rooms: Rooms): number {
  let room = (rooms.inclusive[at] ?? 0) - (rooms.taken.get(at) ?? 0);
  for (const child of rooms.entries[at]?.children ?? []) {
    if (!rooms.lazy.has(child)) room -= rooms.inclusive[child] ?? 0;
  }
  return Math.max(room, 0);
}

/** One node runs a plan to its end as a rule: the deepest that has room; else it is spread. */
function take(
  users: readonly number[],
  amount: number,
  roomOf: (at: number) => number,
): readonly { readonly node: number; readonly amount: number }[] {
  if (amount <= 0) return [];
  const rooms = users.map((node) => ({ node, room: roomOf(node) }));
  const whole = rooms.find(({ room }) => room >= amount);
  if (whole !== undefined) return [{ node: whole.node, amount }];
  const takers: { node: number; amount: number }[] = [];
  let left = amount;
  for (const { node, room } of rooms.toSorted((a, b) => b.room - a.room)) {
    const part = Math.min(room, left);
    if (part <= 0) break;
    takers.push({ node, amount: part });
    left -= part;
  }
  return takers;
}

/** Per lazy plan the nodes that may have run it, the deepest first. */
function usersOf(
  entries: readonly Entry[],
  lazy: ReadonlySet<number>,
): ReadonlyMap<number, readonly number[]> {
  const users = new Map<number, number[]>();
  const scansOfCtes = scansByCte(entries, lazy);
  const mentions = mentionsOf(entries);
  for (const node of lazy) {
    const entry = entries[node];
    if (entry === undefined) continue;
    const name = subplanName(entry);
    if (name.startsWith("CTE ")) {
      users.set(node, deepestFirst(scansOfCtes.get(node) ?? [], entries));
      continue;
    }
    const last = entries[entry.parent]?.last ?? entry.parent;
    const inScope = tokensOf(name)
      .flatMap((token) => mentions.get(token) ?? [])
      .filter((at) => at >= entry.parent && at <= last && (at < node || at > entry.last));
    // Some uses are printed nowhere, for example a LIMIT's count: then it is the node above.
    users.set(node, inScope.length === 0 ? [entry.parent] : deepestFirst(inScope, entries));
  }
  return users;
}

function deepestFirst(nodes: readonly number[], entries: readonly Entry[]): number[] {
  return [...new Set(nodes)].sort(
    (a, b) => (entries[b]?.depth ?? 0) - (entries[a]?.depth ?? 0) || a - b,
  );
}

function subplanName(entry: Entry): string {
  const name = entry.raw["Subplan Name"];
  return typeof name === "string" ? name.slice(0, 1000) : "";
}

/** "InitPlan 1 (returns $0,$1)" before 17, "InitPlan 1" since. */
function tokensOf(name: string): readonly string[] {
  const returned = name.match(/\$\d{1,6}/g);
  return returned ?? name.match(/^InitPlan \d{1,6}/) ?? [];
}

/** Which CTE each CTE Scan reads: of those with its name, the nearest above. */
function scansByCte(
  entries: readonly Entry[],
  lazy: ReadonlySet<number>,
): ReadonlyMap<number, number[]> {
  const defined = new Map<number, Map<string, number>>();
  for (const node of lazy) {
    const entry = entries[node];
    const name = entry === undefined ? "" : subplanName(entry);
    if (entry === undefined || !name.startsWith("CTE ")) continue;
    const names = defined.get(entry.parent) ?? new Map<string, number>();
    names.set(name.slice("CTE ".length), node);
    defined.set(entry.parent, names);
  }
  const scans = new Map<number, number[]>();
  if (defined.size === 0) return scans;
  for (const [at, entry] of entries.entries()) {
    const name = entry.raw["CTE Name"];
    if (entry.type !== "CTE Scan" || typeof name !== "string") continue;
    for (let above = at; above >= 0; above = entries[above]?.parent ?? -1) {
      const cte = defined.get(above)?.get(name);
      if (cte === undefined) continue;
      scans.set(cte, [...(scans.get(cte) ?? []), at]);
      break;
    }
  }
  return scans;
}

/** Nodes by the parameters and InitPlans that their expressions name. */
function mentionsOf(entries: readonly Entry[]): ReadonlyMap<string, readonly number[]> {
  const mentions = new Map<string, number[]>();
  for (const [at, entry] of entries.entries()) {
    for (const token of tokensIn(entry)) {
      const nodes = mentions.get(token);
      if (nodes === undefined) mentions.set(token, [at]);
      else nodes.push(at);
    }
  }
  return mentions;
}

function tokensIn(entry: Entry): ReadonlySet<string> {
  const found = new Set<string>();
  let searched = 0;
  for (const [field, value] of Object.entries(entry.raw)) {
    if (field === "Subplan Name" || field === "Plans") continue;
    for (const text of Array.isArray(value) ? value : [value]) {
      if (typeof text !== "string" || searched >= SEARCHED_MAX) continue;
      const part = text.slice(0, SEARCHED_MAX - searched);
      searched += part.length;
      for (const token of part.match(/\$\d{1,6}|\bInitPlan \d{1,6}/g) ?? []) found.add(token);
    }
  }
  return found;
}
