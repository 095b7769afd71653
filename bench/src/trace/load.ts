/** Loads one subject's process until it is saturated, and sees what a request costs it. */
import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Subject } from "./subjects.ts";

export interface Sample {
  readonly requestsPerSecond: number;
  /** The process's own CPU time for one request, in microseconds. */
  readonly cpuUs: number;
  /** Share of the time in which its core was busy with it. */
  readonly busy: number;
}

export interface LoadPlan {
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

const SCRIPT = fileURLToPath(new URL("server.ts", import.meta.url));
const CONNECTIONS = 64;
const APP_CORE = "0";
const OTHER_CORES = cpus().length > 2 ? `1-${cpus().length - 1}` : "1";
/** Linux counts process time in hundredths of a second. */
const MS_PER_TICK = 10;
const run = promisify(execFile);

/** Call it before PostgreSQL is started: that and the load get the cores that the app does not have. */
export async function leaveCoreToApp(): Promise<void> {
  await run("taskset", ["-acp", OTHER_CORES, String(process.pid)]);
}

/** The app has a core to itself. */
export async function measureSubject(
  subject: Subject,
  url: string,
  plan: LoadPlan,
): Promise<Sample> {
  const node = [process.execPath, "--conditions=hasten-source", SCRIPT, subject, url];
  const child = spawn("taskset", ["-c", APP_CORE, ...node], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const port = await portOf(child.stdout);
    const address = `http://127.0.0.1:${port}/order/7`;
    await load(address, plan.warmUpSeconds);
    const [before, startedMs] = [cpuTicks(child.pid!), performance.now()];
    const requestsPerSecond = await load(address, plan.seconds);
    const elapsedMs = performance.now() - startedMs;
    const cpuMs = (cpuTicks(child.pid!) - before) * MS_PER_TICK;
    const requests = (requestsPerSecond * elapsedMs) / 1_000;
    return { requestsPerSecond, cpuUs: (cpuMs * 1_000) / requests, busy: cpuMs / elapsedMs };
  } finally {
    child.kill("SIGKILL");
  }
}

async function portOf(stdout: NodeJS.ReadableStream): Promise<number> {
  for await (const chunk of stdout)
    return (JSON.parse(String(chunk).split("\n")[0]!) as { port: number }).port;
  throw new Error("the server ended before it listened");
}

async function load(url: string, seconds: number): Promise<number> {
  const wrk = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, url];
  const { stdout } = await run("wrk", wrk);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`errors under load:\n${stdout}`);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1];
  if (rate === undefined) throw new Error(`wrk gave no rate:\n${stdout}`);
  return Number(rate);
}

/** utime + stime of a process with its threads (proc(5)); the name may contain spaces. */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
