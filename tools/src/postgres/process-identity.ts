/**
 * A pid alone does not name a process: it is used again. A pid with the time its process began does.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Field 22 of /proc/<pid>/stat, counted after the closing parenthesis of the command (field 2). */
const START_TIME_FIELD_AFTER_COMMAND = 19;

/** When the process began, as an opaque text that compares equal for the same process; undefined when there is none. */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform !== "linux") return startTimeFromPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended: only its parent has not asked yet.
    return fields[0] === "Z" ? undefined : fields[START_TIME_FIELD_AFTER_COMMAND];
  } catch {
    return undefined;
  }
}

function startTimeFromPs(pid: number): string | undefined {
  try {
    const text = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
    return text.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Whether exactly this process (not another one with its pid) still runs. */
export function isAlive(identity: { readonly pid: number; readonly startTime: string }): boolean {
  return startTimeOf(identity.pid) === identity.startTime;
}
