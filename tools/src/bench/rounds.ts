import { spawn } from "node:child_process";
import type { BenchRow } from "./results.ts";

/** The middle value; the mean of the middle two for an even count. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Sums up the samples of one subject. */
export function row(name: string, unit: string, samples: readonly number[]): BenchRow {
  return {
    name,
    unit,
    median: median(samples),
    min: Math.min(...samples),
    max: Math.max(...samples),
    runs: samples.length,
  };
}

/**
 * Runs every subject once a round, the order reversed each round, so that a machine that warms up
 * or slows down favours nobody. Returns the samples by subject.
 */
export async function alternate<Subject extends string>(
  subjects: readonly Subject[],
  rounds: number,
  run: (subject: Subject, round: number) => Promise<number>,
): Promise<Map<Subject, number[]>> {
  const samples = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? subjects : [...subjects].reverse();
    for (const subject of order) samples.get(subject)!.push(await run(subject, round));
  }
  return samples;
}

/** Options of {@link freshProcess}. */
export interface FreshProcessOptions {
  readonly args?: readonly string[];
  /** Pins the process to this core with `taskset`, where the machine has it. */
  readonly core?: number;
  readonly nodeFlags?: readonly string[];
  /** @default 120_000 */
  readonly timeoutMs?: number;
}

/**
 * Runs a script in a Node process of its own and returns the JSON of its last line of output.
 * The process is killed at the time limit.
 */
export async function freshProcess<T>(
  script: string,
  options: FreshProcessOptions = {},
): Promise<T> {
  const node = [
    process.execPath,
    "--conditions=hasten-source",
    ...(options.nodeFlags ?? []),
    script,
    ...(options.args ?? []),
  ];
  const pin = options.core === undefined ? [] : ["taskset", "-c", String(options.core)];
  const [command, ...args] = [...pin, ...node];
  const child = spawn(command!, args, { stdio: ["ignore", "pipe", "inherit"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 120_000);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${script} ${options.args?.join(" ") ?? ""} ended with ${code}`);
  return JSON.parse(output.trim().split("\n").at(-1)!) as T;
}
