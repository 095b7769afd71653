/** Breadth first through everything that can happen, to the first moment that must not be. */
import type { Wrong } from "./mutants.ts";
import { stepsFrom, violation } from "./steps.ts";
import { type Setting, startOf, type World } from "./world.ts";

export interface Explored {
  readonly states: number;
  /** Moments at which a read would be served an old value; 0 or, where it ends at the first, 1. */
  readonly violations: number;
  readonly because: string | undefined;
  /** The shortest way there. */
  readonly trace: readonly string[];
}

interface Seen {
  readonly from: number;
  readonly label: string;
}

export function explore(setting: Setting, wrong: Wrong, statesMax = 3_000_000): Explored {
  const seen = new Set<string>();
  const paths: Seen[] = [];
  let frontier: { readonly world: World; readonly path: number }[] = [];
  const start = startOf(setting);
  seen.add(keyOf(start));
  paths.push({ from: -1, label: "start" });
  frontier.push({ world: start, path: 0 });
  while (frontier.length > 0) {
    const next: typeof frontier = [];
    for (const { world, path } of frontier) {
      for (const step of stepsFrom(world, setting, wrong)) {
        const key = keyOf(step.world);
        if (seen.has(key)) continue;
        seen.add(key);
        if (seen.size > statesMax)
          throw new Error(`${setting.name}: more than ${statesMax} states`);
        const at = paths.push({ from: path, label: step.label }) - 1;
        const because = violation(step.world, setting, wrong);
        if (because !== undefined)
          return { states: seen.size, violations: 1, because, trace: traceTo(paths, at) };
        next.push({ world: step.world, path: at });
      }
    }
    frontier = next;
  }
  return { states: seen.size, violations: 0, because: undefined, trace: [] };
}

/** Steps share what they do not change: its text is made once. */
const texts = new WeakMap<object, string>();

function textOf(part: object | null): string {
  if (part === null) return "";
  let text = texts.get(part);
  if (text === undefined) {
    text = JSON.stringify(part);
    texts.set(part, text);
  }
  return text;
}

function keyOf(world: World): string {
  const { db, acked, ackedDeleted, run, epochs, moves, broken } = world;
  const parts = [
    world.redis,
    world.replica,
    world.former,
    world.nodes,
    world.loaders,
    world.writers,
  ];
  return `${db},${acked},${ackedDeleted},${run},${epochs},${moves},${broken}|${parts.map(textOf).join("|")}`;
}

function traceTo(paths: readonly Seen[], last: number): string[] {
  const trace: string[] = [];
  for (let at = last; at > 0; at = paths[at]!.from) trace.unshift(paths[at]!.label);
  return trace;
}
