/** CPU time of the server's processes, from /proc, and the cores that they may use. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Linux counts process time in hundredths of a second. */
const MS_PER_TICK = 10;

interface Stat {
  readonly parent: number;
  readonly ticks: number;
}

/** CPU milliseconds that the server's processes have used so far, by process id. */
export function serverCpuMs(postmaster: number): Map<number, number> {
  const used = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(name);
    if (stat === undefined || (stat.parent !== postmaster && Number(name) !== postmaster)) continue;
    used.set(Number(name), stat.ticks * MS_PER_TICK);
  }
  return used;
}

/** Keeps the server, and what it will start, on these cores: `1`, or `0-1`. */
export function pinServer(postmaster: number, cores: string): void {
  for (const pid of serverCpuMs(postmaster).keys()) {
    // One that has ended meanwhile needs no core.
    spawnSync("taskset", ["-cp", cores, String(pid)], { stdio: "ignore" });
  }
}

/** What was used between the two; processes that began in between count from their start. */
export function usedMs(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
): number {
  let sum = 0;
  for (const [pid, ms] of after) sum += ms - (before.get(pid) ?? 0);
  return sum;
}

/** proc(5); the name may contain spaces. */
function statOf(pid: string): Stat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined;
  }
}
