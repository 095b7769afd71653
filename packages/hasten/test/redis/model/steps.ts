/** What can happen next: a step of a process, or of what goes wrong around it. Each is atomic. */
import type { Wrong } from "./mutants.ts";
import {
  type Capture,
  EMPTY,
  fill,
  invalidate,
  judge,
  lost,
  type Redis,
  renew,
  rotate,
} from "./redis.ts";
import {
  forget,
  type Heard,
  type Loader,
  type Setting,
  type World,
  withLoader,
  withNode,
  withWriter,
} from "./world.ts";

export interface Step {
  readonly label: string;
  readonly world: World;
}

interface At {
  readonly world: World;
  readonly setting: Setting;
  readonly wrong: Wrong;
  /** Takes a step. */
  readonly take: (label: string, world: World) => void;
}

export function stepsFrom(world: World, setting: Setting, wrong: Wrong): readonly Step[] {
  const steps: Step[] = [];
  const at: At = {
    world,
    setting,
    wrong,
    take: (label, next) => steps.push({ label, world: next }),
  };
  for (let index = 0; index < world.loaders.length; index++) loader(at, index);
  for (let index = 0; index < world.writers.length; index++) writer(at, index);
  for (let node = 0; node < world.nodes.length; node++) {
    if (setting.log && world.nodes[node]!.l1 !== -1) confirmation(at, node);
    arrival(at, node);
  }
  if (lost(world.redis, serverOf(world), wrong)) at.take("RENEW: a new epoch", renewed(at));
  faults(at);
  return steps;
}

function serverOf({ run, epochs }: World): { readonly run: number; readonly nextEpoch: number } {
  return { run, nextEpoch: epochs + 1 };
}

function renewed({ world, wrong }: At): World {
  const redis = renew(world.redis, serverOf(world), wrong);
  return { ...world, redis, epochs: world.epochs + 1 };
}

function loader(at: At, index: number): void {
  const { world, take } = at;
  const one = world.loaders[index]!;
  const name = `loader ${index} (node ${one.node})`;
  const remembers = world.nodes[one.node]!.l1 !== -1;
  if (one.phase === "idle") {
    const begun = withLoader(world, index, { phase: "begun" });
    if (remembers) take(`${name} begins`, begun);
    else reading({ ...at, world: begun }, index, name);
  } else if (one.phase === "begun") reading(at, index, name);
  else if (one.phase === "found")
    take(`${name} hears what READ found`, kept(at, withDone(world, index), index));
  else if (one.phase === "loading") loading(at, index, name);
  else if (one.phase === "loaded") filling(at, index, name);
  else if (one.phase === "stored" || one.phase === "refused") heardOfFill(at, index, name);
}

const withDone = (world: World, index: number): World =>
  withLoader(world, index, { phase: "done", void: false, epoch: 0, seq: 0, version: 0 });

function loading({ world, setting, take }: At, index: number, name: string): void {
  const l1 = world.nodes[world.loaders[index]!.node]!.l1;
  const made = setting.composed === true && index === 1 && l1 > 0;
  const version = made ? l1 : world.db;
  const from = made ? "takes version" : "reads version";
  take(
    `${name} ${from} ${version} from ${made ? "memory" : "the source"}`,
    withLoader(world, index, { phase: "loaded", version }),
  );
}

/** Into the memory of its process, if the fence heard nothing since it began. */
function kept({ world, setting, wrong }: At, next: World, index: number): World {
  const one = world.loaders[index]!;
  if (one.void && !wrong.has("fence-unasked")) return next;
  if (world.nodes[one.node]!.l1 === -1 || (setting.composed === true && index === 1)) return next;
  return withNode(next, one.node, { l1: one.version });
}

function reading({ world, setting, wrong, take }: At, index: number, name: string): void {
  const { node } = world.loaders[index]!;
  const here = world.nodes[node]!;
  if (here.l1 !== -1)
    take(`${name} goes on without the tier`, withLoader(world, index, { phase: "loading" }));
  if (setting.composed === true && index === 0) return;
  const underWay = world.writers.some((one) => one.node === node && one.phase === "taken");
  if (here.arriving || (underWay && !wrong.has("own-read-overtakes"))) return;
  const server = serverOf(world);
  const { redis } = world;
  if (judge(redis, server, wrong) === "fresh") {
    const { version } = redis.entry!;
    const found =
      here.l1 === -1
        ? withDone(world, index)
        : withLoader(world, index, { phase: "found", version });
    take(`${name} READs: finds version ${version}`, found);
    return;
  }
  if (lost(redis, server, wrong)) return;
  const ahead = wrong.has("wall-clock-tags") && index === 0 ? 1 : 0;
  const { epoch, seq } = redis.clk!;
  take(
    `${name} READs: absent, captures ${epoch}/${seq + ahead}`,
    withLoader(world, index, { phase: "loading", epoch, seq: seq + ahead }),
  );
}

/** A caller that joined just now gets this version. */
function answers(world: World, version: number): World {
  if (version >= world.acked) return world;
  return { ...world, broken: `who joined got version ${version}, ${world.acked} was acknowledged` };
}

/** The flight is sealed and FILL runs; nobody joined in between. */
function filling(at: At, index: number, name: string): void {
  const { world, wrong, take } = at;
  const one = world.loaders[index]!;
  const here = world.nodes[one.node]!;
  if (one.epoch === 0) {
    take(`${name} ends without FILL`, kept(at, withDone(world, index), index));
    return;
  }
  const capture = capturedBy(at, one);
  if (here.arriving || capture === "not yet") return;
  if (capture === "void") {
    take(`${name} heard of an invalidation: no FILL`, withDone(world, index));
    return;
  }
  const early = wrong.has("landed-before-fill");
  const before = early ? kept(at, answers(world, one.version), index) : world;
  const { version } = one;
  const { redis, stored } = fill(world.redis, { capture, version }, serverOf(world), wrong);
  const phase = stored ? "stored" : "refused";
  const next = { ...withLoader(before, index, { phase }), redis };
  take(
    `${name} FILLs version ${version} as ${capture.epoch}/${capture.seq}: ${phase}`,
    here.l1 === -1 && !wrong.has("unsealed-flight") ? withDone(next, index) : next,
  );
}

/**
 * A process with a memory: its fence judges up to the place that was applied here, FILL what came
 * after it. Before its READ's place was applied it waits.
 */
function capturedBy({ world, wrong }: At, one: Loader): Capture | "not yet" | "void" {
  const { clk } = world.redis;
  if (wrong.has("late-capture") && clk !== null) return clk;
  const here = world.nodes[one.node]!;
  if (here.l1 === -1 || wrong.has("capture-of-read")) return one;
  if (one.void || (here.applied !== -1 && here.epoch !== one.epoch)) return "void";
  return here.applied < one.seq ? "not yet" : { epoch: one.epoch, seq: here.applied };
}

function heardOfFill(at: At, index: number, name: string): void {
  const { world, wrong, take } = at;
  const one = world.loaders[index]!;
  const { phase } = one;
  if (phase === "refused" || wrong.has("landed-before-fill")) {
    take(`${name} hears of its FILL`, withDone(world, index));
    return;
  }
  const next = kept(at, withDone(world, index), index);
  take(
    `${name} hears of its FILL`,
    wrong.has("unsealed-flight") ? answers(next, one.version) : next,
  );
}

function writer(at: At, index: number): void {
  const { world, take } = at;
  const one = world.writers[index]!;
  const name = `writer ${index} (node ${one.node})`;
  if (one.phase === "idle" && one.deed === "other") {
    sending(at, index, name);
  } else if (one.phase === "idle") {
    const version = world.db + 1;
    const phase = world.nodes[one.node]!.l1 === -1 ? "taken" : "committed";
    const committed = withWriter(world, index, { phase, version });
    take(`${name} commits version ${version}`, { ...committed, db: version });
  } else if (one.phase === "committed") {
    const { own } = world.nodes[one.node]!;
    const taken = withWriter(forget(world, one.node), index, { phase: "taken" });
    const next = withNode(taken, one.node, { own: Math.max(own, one.version) });
    take(`${name} forgets it in its own process`, next);
  } else if (one.phase === "taken") sending(at, index, name);
}

function sending({ world, setting, wrong, take }: At, index: number, name: string): void {
  const one = world.writers[index]!;
  const { deed, version } = one;
  const acked = Math.max(world.acked, version);
  const deleted = deed.startsWith("expire") ? world.ackedDeleted : acked;
  const done = {
    ...withWriter(world, index, { phase: "done" }),
    acked,
    ackedDeleted: Math.max(world.ackedDeleted, deleted),
  };
  if (world.nodes[one.node]!.arriving) {
    if (setting.deposed) take(`${name}: ${deed}, acknowledged by the deposed server`, done);
    return;
  }
  const server = serverOf(world);
  const epochs = world.epochs + (lost(world.redis, server, wrong) ? 1 : 0);
  const redis = invalidate(world.redis, one, server, wrong);
  const { epoch, seq } = redis.clk!;
  const log = setting.log ? redis : { ...redis, log: [], clk: { ...redis.clk!, head: 0 } };
  take(`${name}: ${deed}, acknowledged as ${epoch}/${seq}`, { ...done, redis: log, epochs });
}

function confirmation(at: At, node: number): void {
  const { world, wrong, take } = at;
  const one = world.nodes[node]!;
  const { confirming } = one;
  if (confirming === null) {
    const sent = { sent: world.acked, heard: null };
    take(`node ${node} sends CONFIRM`, withNode(world, node, { confirming: sent }));
  } else if (confirming.heard === null) {
    if (one.arriving) return;
    const heard = listen(at, node);
    const next = withNode(world, node, { confirming: { sent: confirming.sent, heard } });
    take(`CONFIRM of node ${node} runs: ${told(heard)}`, next);
  } else {
    const { gap, foreign, position, epoch, seq } = confirming.heard;
    const next = gap || foreign ? forget(world, node) : world;
    const at = wrong.has("confirmed-at-receipt") ? world.acked : confirming.sent;
    const confirmed = position === -1 ? -1 : gap ? at : Math.max(at, one.confirmed);
    const heard = { confirming: null, position, epoch, applied: seq, confirmed };
    take(`node ${node} hears of its CONFIRM`, withNode(next, node, heard));
  }
}

const told = ({ gap, foreign }: Heard): string =>
  gap ? "a gap" : foreign ? "somebody invalidated" : "nothing missed";

function listen({ world, wrong }: At, node: number): Heard {
  const { position, epoch } = world.nodes[node]!;
  const { redis } = world;
  const { clk, log } = redis;
  if (wrong.has("confirmed-by-xread") && position !== -1) {
    const foreign = after(redis, position, node);
    const newest = clk !== null && log.length > 0 ? clk.head : position;
    return { gap: false, foreign, position: newest, epoch, seq: clk?.seq ?? -1 };
  }
  if (clk === null || lost(redis, serverOf(world), wrong))
    return { gap: true, foreign: false, position: -1, epoch: 0, seq: -1 };
  const first = position === -1;
  const missed =
    clk.epoch !== epoch ||
    clk.head < position ||
    (clk.head > position && clk.head - log.length > position);
  const gap = first ? !wrong.has("first-confirmation-keeps") : missed;
  return {
    gap,
    foreign: !first && after(redis, position, node),
    position: clk.head,
    epoch: clk.epoch,
    seq: clk.seq,
  };
}

/** Whether somebody else's entry stands after the position. */
function after({ clk, log }: Redis, position: number, node: number): boolean {
  if (clk === null) return false;
  const from = Math.max(0, position - (clk.head - log.length));
  return log.slice(from).some((one) => one.node !== node);
}

/** A process comes to another server than it used before. */
function arrival(at: At, node: number): void {
  const { world, wrong, take } = at;
  if (!world.nodes[node]!.arriving) return;
  const made = wrong.has("arrival-does-not-renew") ? world : renewed(at);
  take(`node ${node} arrives at server ${world.run}`, withNode(made, node, { arriving: false }));
}

function faults({ world, setting, wrong, take }: At): void {
  const { redis } = world;
  const change = (label: string, changed: Partial<Redis>): void =>
    take(label, { ...world, redis: { ...redis, ...changed } });
  if (setting.evictions === "every key") {
    if (redis.marks !== null) change("the marks are evicted", { marks: null });
    if (redis.olderMarks !== null) change("the older marks are evicted", { olderMarks: null });
    if (redis.tag !== null) change("the record of the tag is evicted", { tag: null });
    if (redis.entry !== null) change("the entry is evicted", { entry: null });
    // Names that have nothing to do with the key fill them as well.
    if (redis.marks !== null)
      take("a new generation of marks", { ...world, redis: rotate(redis, wrong) });
  }
  if (setting.evictions !== "none" && redis.clk !== null && world.epochs < setting.epochsMax) {
    change("the clock is evicted", { clk: null });
    take("FLUSHALL", { ...world, redis: EMPTY });
  }
  if (setting.log && redis.log.length > 0) {
    change("the log is trimmed", { log: redis.log.slice(1) });
    change("the log is deleted", { log: [] });
  }
  servers({ world, setting, wrong, take });
}

function servers({ world, setting, take }: At): void {
  const { redis, moves, nodes, replica, former } = world;
  if (moves >= setting.movesMax) return;
  const away = nodes.map((one) => ({ ...one, arriving: true }));
  if (moves === 0) {
    if (redis !== replica) take("the replica catches up", { ...world, replica: redis });
    const next = { ...world, run: 2, moves: 1, nodes: away, former: redis, replica: null };
    take("failover to the replica", { ...next, redis: replica ?? EMPTY });
  } else if (former !== null && nodes.every((one) => !one.arriving))
    take("failover back, to old data", {
      ...world,
      run: 1,
      moves: 2,
      nodes: away,
      former: null,
      redis: former,
    });
}

/** Why this moment must not be: a read that begins now would get what it must not. */
export function violation(world: World, setting: Setting, wrong: Wrong): string | undefined {
  if (world.broken !== "") return world.broken;
  const { redis, acked, ackedDeleted } = world;
  // Of a server with data of its own, and while a deposed one is used, nothing is promised to who
  // never used another; everyone else makes sure of it first.
  const unsure = setting.deposed || world.moves > 1;
  if (!unsure || world.nodes.every((one) => !one.arriving)) {
    const judged = judge(redis, serverOf(world), wrong);
    const version = redis.entry?.version ?? acked;
    if (judged === "fresh" && version < acked)
      return `the tier serves version ${version}, ${acked} was acknowledged`;
    if (judged === "stale" && version < ackedDeleted)
      return `the tier serves version ${version} as stale, ${ackedDeleted} was deleted`;
  }
  for (const [node, { l1, confirmed, own }] of world.nodes.entries()) {
    if (l1 <= 0) continue;
    if (l1 < own) return `node ${node} has version ${l1}, it wrote ${own} itself`;
    if (l1 < confirmed) return `node ${node} has version ${l1}, ${confirmed} is confirmed`;
  }
  return undefined;
}
