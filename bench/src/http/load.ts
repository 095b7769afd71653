/** Starts one subject pinned to a core, loads it from another, and sees how busy it was. */
import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { JSON_BYTES } from "./payload.ts";
import type { Subject } from "./subjects.ts";

export interface LoadPlan {
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly connections: number;
}

export interface Sample {
  readonly requestsPerSecond: number;
  /** Share of the load window in which the server's process ran on its core. */
  readonly busy: number;
}

const SERVER_CORE = "0";
const CLIENT_CORE = "1";
const SCRIPT = fileURLToPath(new URL("server.ts", import.meta.url));
const run = promisify(execFile);

/** One fresh server, verified, warmed up and loaded. */
export async function measureSubject(subject: Subject, plan: LoadPlan): Promise<Sample> {
  const args = ["-c", SERVER_CORE, process.execPath, "--conditions=hasten-source", SCRIPT, subject];
  const child = spawn("taskset", args, { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const port = await portOf(child.stdout);
    const url = `http://127.0.0.1:${port}/list`;
    // Twice before, so that caches are filled, and once after the codings are at their best.
    for (let times = 0; times < 2; times++) await verify(url);
    await load(url, plan.warmUpSeconds, plan.connections);
    await verify(url);
    const before = cpuTicks(child.pid!);
    const started = performance.now();
    const requestsPerSecond = await load(url, plan.seconds, plan.connections);
    const elapsedMs = performance.now() - started;
    const busy = ((cpuTicks(child.pid!) - before) * MS_PER_TICK) / elapsedMs;
    return { requestsPerSecond, busy };
  } finally {
    child.kill("SIGKILL");
  }
}

async function portOf(stdout: NodeJS.ReadableStream): Promise<number> {
  for await (const chunk of stdout) {
    return (JSON.parse(String(chunk).split("\n")[0]!) as { port: number }).port;
  }
  throw new Error("the server ended before it listened");
}

async function load(url: string, seconds: number, connections: number): Promise<number> {
  const { stdout } = await run("taskset", [
    ...["-c", CLIENT_CORE, "wrk", "-t1", `-c${connections}`, `-d${seconds}s`],
    ...["-H", "accept-encoding: gzip", url],
  ]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`errors under load:\n${stdout}`);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1];
  if (rate === undefined) throw new Error(`wrk gave no rate:\n${stdout}`);
  return Number(rate);
}

/** Linux counts process time in hundredths of a second. */
const MS_PER_TICK = 10;

/** utime + stime of a process with its threads (proc(5)); the name may contain spaces. */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** The answer must decode to the very list, whatever its coding. */
async function verify(url: string): Promise<void> {
  const { bytes, encoding } = await fetchRaw(url);
  const decoded =
    encoding === "gzip"
      ? gunzipSync(bytes)
      : encoding === "br"
        ? brotliDecompressSync(bytes)
        : bytes;
  if (!decoded.equals(JSON_BYTES)) throw new Error(`${url} answered something else`);
}

function fetchRaw(url: string): Promise<{ bytes: Buffer; encoding: string | undefined }> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { "accept-encoding": "gzip" }, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.once("end", () =>
        resolve({ bytes: Buffer.concat(chunks), encoding: res.headers["content-encoding"] }),
      );
      res.once("error", reject);
    }).once("error", reject);
  });
}
