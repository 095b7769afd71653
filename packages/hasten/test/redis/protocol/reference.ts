/**
 * The protocol of one shard without Redis: what the scripts must do, as small and plain as it can
 * be said. Each operation is one atomic transition that changes the state given and returns its
 * outcome; `nowUs` is what TIME would say. Nothing expires by itself: who uses it drops keys.
 */
export interface Clock {
  epoch: string;
  seq: number;
  head: number;
  runId: string;
  rootDeleted: number;
  rootExpired: number;
  floor: number;
  generation: 0 | 1;
}

export interface Marks {
  epoch: string;
  /** Every invalidation above it, until the other hash was begun, is here. */
  began: number;
  names: Map<string, number>;
}

export interface TagRecord {
  epoch: string;
  deleted: number;
  expired: number;
}

export interface Entry {
  epoch: string;
  seq: number;
  expired: boolean;
  tags: readonly string[];
  value: string;
  /** What of it cannot be decoded. */
  damaged?: "head" | "body";
}

/** Names are those of Redis: keys `k:…`, tags `t:…`, prefixes `p:…`. */
export interface State {
  clock: Clock | undefined;
  marks: [Marks | undefined, Marks | undefined];
  records: Map<string, TagRecord>;
  entries: Map<string, Entry>;
  leases: Map<string, { holder: string; waiting: boolean }>;
  log: { position: number; body: string }[];
  sources: Map<string, string>;
}

/** What every operation knows of its surroundings. */
export interface Here {
  /** Of the server that is asked, as the connection knows it. */
  readonly runId: string;
  readonly nowUs: number;
  /** What TIME said when the epoch began that this operation begins. @default nowUs */
  readonly beganUs?: number;
  /** For an epoch that has to begin. */
  readonly newEpoch: string;
  readonly marksMax: number;
}

export interface Capture {
  readonly epoch: string;
  readonly seq: number;
}

export type Outcome = string;

export function emptyState(): State {
  return {
    clock: undefined,
    marks: [undefined, undefined],
    records: new Map(),
    entries: new Map(),
    leases: new Map(),
    log: [],
    sources: new Map(),
  };
}

/** The clock, where it is this server's. */
function known(state: State, here: Here): Clock | undefined {
  return state.clock?.runId === here.runId ? state.clock : undefined;
}

function beginMarks(state: State, clock: Clock): void {
  const fresh = (): Marks => ({ epoch: clock.epoch, began: clock.seq, names: new Map() });
  state.marks = [fresh(), fresh()];
  clock.floor = clock.seq;
}

function marksComplete(state: State, clock: Clock): boolean {
  return state.marks.every((marks) => marks?.epoch === clock.epoch);
}

function beginEpoch(state: State, here: Here): Clock {
  const seq = Math.max((state.clock?.seq ?? 0) + 1, here.beganUs ?? here.nowUs);
  const clock: Clock = {
    epoch: here.newEpoch,
    seq,
    head: 0,
    runId: here.runId,
    rootDeleted: 0,
    rootExpired: 0,
    floor: seq,
    generation: 0,
  };
  state.clock = clock;
  state.log = [];
  state.sources.clear();
  beginMarks(state, clock);
  return clock;
}

/** The clock with complete marks, and whether it had to begin anew. */
function ready(state: State, here: Here): { clock: Clock; renewed: boolean } {
  const clock = known(state, here);
  if (clock === undefined) return { clock: beginEpoch(state, here), renewed: true };
  if (!marksComplete(state, clock)) beginMarks(state, clock);
  return { clock, renewed: false };
}

function advance(clock: Clock, here: Here): number {
  clock.seq = Math.max(clock.seq + 1, here.nowUs);
  return clock.seq;
}

function markOf(state: State, clock: Clock, name: string): number | undefined {
  const current = state.marks[clock.generation]!.names.get(name);
  return current ?? state.marks[clock.generation === 0 ? 1 : 0]!.names.get(name);
}

function mark(state: State, clock: Clock, names: readonly string[], here: Here): void {
  if (names.length === 0) return;
  const current = state.marks[clock.generation]!;
  for (const name of names) current.names.set(name, clock.seq);
  if (current.names.size <= here.marksMax / 2) return;
  clock.floor = current.began;
  clock.generation = clock.generation === 0 ? 1 : 0;
  state.marks[clock.generation] = { epoch: clock.epoch, began: clock.seq, names: new Map() };
}

function append(state: State, clock: Clock, body: string): void {
  clock.head += 1;
  // Redis refuses an ID that is not above the latest: then the log begins again, with a gap.
  if ((state.log.at(-1)?.position ?? 0) >= clock.head) state.log = [];
  state.log.push({ position: clock.head, body });
}

function recordOf(state: State, clock: Clock, name: string): TagRecord | undefined {
  const record = state.records.get(name);
  return record?.epoch === clock.epoch ? record : undefined;
}

/** Creates what is missing with the last invalidation that is known, or the floor. */
function keepRecords(state: State, clock: Clock, names: readonly string[]): void {
  for (const name of names) {
    if (recordOf(state, clock, name) !== undefined) continue;
    const deleted = markOf(state, clock, name) ?? clock.floor;
    state.records.set(name, { epoch: clock.epoch, deleted, expired: 0 });
  }
}

function endLease(
  state: State,
  clock: Clock | undefined,
  lease: { readonly key: string; readonly holder: string; readonly wake: string },
): boolean {
  const there = state.leases.get(lease.key);
  if (lease.holder === "" || there?.holder !== lease.holder) return false;
  state.leases.delete(lease.key);
  if (there.waiting && clock !== undefined) append(state, clock, lease.wake);
  return true;
}

/** `fresh <value>`, `stale <value>`, or why not. */
export function read(
  state: State,
  here: Here,
  asked: { readonly key: string; readonly names: readonly string[] },
): Outcome {
  const clock = known(state, here);
  if (clock === undefined) return "lost";
  const entry = state.entries.get(asked.key);
  if (entry === undefined) return "absent";
  if (entry.damaged === "head") return "damaged";
  if (entry.epoch !== clock.epoch || clock.rootDeleted > entry.seq) return "absent";
  if (entry.damaged === "body") return "damaged";
  let expired = entry.expired || clock.rootExpired > entry.seq;
  for (const name of [...asked.names, ...entry.tags]) {
    const record = recordOf(state, clock, name);
    if (record === undefined || record.deleted > entry.seq) return "absent";
    if (record.expired > entry.seq) expired = true;
  }
  return `${expired ? "stale" : "fresh"} ${entry.value}`;
}

export function fill(
  state: State,
  here: Here,
  filled: {
    readonly key: string;
    readonly capture: Capture;
    readonly tags: readonly string[];
    readonly prefixes: readonly string[];
    readonly value: string;
    readonly holder: string;
    readonly wake: string;
  },
): Outcome {
  const { key, capture } = filled;
  const clock = known(state, here);
  const names = [...filled.tags, ...filled.prefixes];
  const refusal = refusalOf(state, clock, capture, { key, names });
  if (refusal === undefined) {
    keepRecords(state, clock!, names);
    const { tags, value } = filled;
    state.entries.set(key, { ...capture, expired: false, tags, value });
  }
  endLease(state, clock, filled);
  return refusal ?? "stored";
}

function refusalOf(
  state: State,
  clock: Clock | undefined,
  { epoch, seq }: Capture,
  { key, names }: { readonly key: string; readonly names: readonly string[] },
): Outcome | undefined {
  if (clock === undefined || clock.epoch !== epoch || clock.seq < seq) return "lost";
  if (clock.rootDeleted > seq || clock.rootExpired > seq) return "cleared";
  if (!marksComplete(state, clock)) beginMarks(state, clock);
  if (clock.floor > seq) return "floor";
  if ([...names, key].some((name) => (markOf(state, clock, name) ?? 0) > seq)) return "marked";
  const records = names.map((name) => recordOf(state, clock, name));
  if (records.some((one) => one !== undefined && Math.max(one.deleted, one.expired) > seq))
    return "record";
  const there = state.entries.get(key);
  if (there !== undefined && there.epoch === epoch && there.seq > seq) return "newer";
  return undefined;
}

export function invalidate(
  state: State,
  here: Here,
  taken: {
    readonly how: "delete" | "expire";
    readonly everything: boolean;
    readonly names: readonly string[];
    readonly body: string;
  },
): Outcome {
  const { clock, renewed } = ready(state, here);
  const seq = advance(clock, here);
  const deletes = taken.how === "delete";
  if (taken.everything && deletes) clock.rootDeleted = seq;
  if (taken.everything && !deletes) clock.rootExpired = seq;
  for (const name of taken.names) {
    const record = recordOf(state, clock, name);
    if (record !== undefined && deletes) record.deleted = seq;
    if (record !== undefined && !deletes) record.expired = seq;
    const entry = state.entries.get(name);
    if (deletes) state.entries.delete(name);
    else if (entry !== undefined) entry.expired = true;
    if (deletes) state.leases.delete(name);
  }
  mark(state, clock, taken.names, here);
  append(state, clock, taken.body);
  return renewed ? "renewed" : "applied";
}

interface Written {
  readonly key: string;
  readonly tags: readonly string[];
  readonly prefixes: readonly string[];
  readonly body: string;
}

export function put(state: State, here: Here, put: Written & { readonly value: string }): Outcome {
  const { clock, renewed } = ready(state, here);
  const seq = advance(clock, here);
  mark(state, clock, [put.key], here);
  append(state, clock, put.body);
  keepRecords(state, clock, [...put.tags, ...put.prefixes]);
  state.leases.delete(put.key);
  const { tags, value } = put;
  state.entries.set(put.key, { epoch: clock.epoch, seq, expired: false, tags, value });
  return renewed ? "renewed" : "applied";
}

export function increment(
  state: State,
  here: Here,
  added: Written & { readonly by: number },
): Outcome {
  const { clock } = ready(state, here);
  const found = read(state, here, { key: added.key, names: added.prefixes });
  const live = found.startsWith("fresh ");
  const before = live ? Number(found.slice("fresh ".length)) : 0;
  if (Number.isNaN(before)) return "notNumber";
  const seq = advance(clock, here);
  mark(state, clock, [added.key], here);
  append(state, clock, added.body);
  const tags = live ? state.entries.get(added.key)!.tags : added.tags;
  if (!live) keepRecords(state, clock, [...added.prefixes, ...added.tags]);
  const value = String(before + added.by);
  state.entries.set(added.key, { epoch: clock.epoch, seq, expired: false, tags, value });
  state.leases.delete(added.key);
  return value;
}

export function lease(
  state: State,
  asked: { readonly key: string; readonly holder: string },
): Outcome {
  const there = state.leases.get(asked.key);
  if (there !== undefined && there.holder !== asked.holder) {
    there.waiting = true;
    return "theirs";
  }
  if (there === undefined) state.leases.set(asked.key, { holder: asked.holder, waiting: false });
  return "mine";
}

export function release(
  state: State,
  here: Here,
  lease: { readonly key: string; readonly holder: string; readonly wake: string },
): Outcome {
  return String(endLease(state, known(state, here), lease));
}

/** What is in the log after a position. */
export function confirm(
  state: State,
  position: number,
): readonly { position: number; body: string }[] {
  return state.log.filter((entry) => entry.position > position);
}

/** Returns the epoch that holds. */
export function renew(state: State, here: Here, expected: string): Outcome {
  const clock = known(state, here);
  if (clock !== undefined && clock.epoch !== expected) return clock.epoch;
  return beginEpoch(state, here).epoch;
}

/** Compare and set; here the time of a record is never over. */
export function leave(
  state: State,
  here: Here,
  left: {
    readonly source: string;
    readonly expected: string | undefined;
    readonly record: string | undefined;
    readonly wake: string;
  },
): Outcome {
  const clock = known(state, here);
  if (clock === undefined) return "lost";
  const there = state.sources.get(left.source);
  if (there !== left.expected) return `other ${there}`;
  if (left.record === undefined) state.sources.delete(left.source);
  else state.sources.set(left.source, left.record);
  if (left.wake !== "") append(state, clock, left.wake);
  return "left";
}
