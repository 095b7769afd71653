/** PostgreSQL's own record of its main process: `postmaster.pid` in the cluster. */
import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startTimeOf } from "./process-identity.ts";

const STOP_STEPS = [
  { signal: "SIGINT", waitMs: 8_000 },
  { signal: "SIGQUIT", waitMs: 3_000 },
  { signal: "SIGKILL", waitMs: 2_000 },
] as const;
const POLL_MS = 25;

/** The living main process of this cluster; a pid that now belongs to something else does not count. */
export function postmasterPid(cluster: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(cluster, "postmaster.pid"), "utf8").split("\n")[0]);
    return pid > 1 && serves(pid, cluster) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function serves(pid: number, cluster: string): boolean {
  if (startTimeOf(pid) === undefined) return false;
  if (process.platform === "linux")
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster);
  const command = execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return command.includes(cluster);
}

/** Stops a server that an earlier run left behind. Returns its pid when there was one. */
export async function stopLeftover(cluster: string): Promise<number | undefined> {
  const pid = postmasterPid(cluster);
  if (pid === undefined) return undefined;
  for (const { signal, waitMs } of STOP_STEPS) {
    tryKill(pid, signal);
    for (let waitedMs = 0; waitedMs < waitMs; waitedMs += POLL_MS) {
      if (postmasterPid(cluster) !== pid) return pid;
      await delay(POLL_MS);
    }
  }
  return pid;
}

export function tryKill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
