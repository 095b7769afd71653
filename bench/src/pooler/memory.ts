/** What processes hold for themselves, as Linux tells it. */
import { readdirSync, readFileSync } from "node:fs";

const PRIVATE = /^Private_(?:Clean|Dirty):\s+(\d+) kB/gm;

function privateKib(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return [...text.matchAll(PRIVATE)].reduce((sum, [, kib]) => sum + Number(kib), 0);
  } catch {
    return 0; // it has ended
  }
}

function childrenOf(parent: number): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === parent;
      } catch {
        return false;
      }
    });
}

/** Private memory of these processes and the children of `parents`, in MiB; NaN where the system does not tell. */
export function privateMib(parents: readonly number[], alone: readonly number[]): number {
  if (process.platform !== "linux") return Number.NaN;
  const pids = [...alone, ...parents, ...parents.flatMap(childrenOf)];
  return pids.reduce((sum, pid) => sum + privateKib(pid), 0) / 1_024;
}
