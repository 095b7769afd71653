#!/usr/bin/env node
import { doctorCommand } from "./command.ts";
import type { Output } from "./contract.ts";

const INTERRUPTED = 130;
const TERMINATED = 143;

const { stdout, stderr } = process;
const output: Output = {
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  columns: stdout.isTTY ? stdout.columns : undefined,
  color: stdout.isTTY && stdout.hasColors(),
  rewritable: stderr.isTTY,
};
// Whoever reads has gone (`| head`): there is nobody left to tell.
stdout.on("error", () => process.exit());

const stop = new AbortController();
let code: number | undefined;
for (const [name, exit] of [
  ["SIGINT", INTERRUPTED],
  ["SIGTERM", TERMINATED],
] as const)
  process.on(name, () => {
    // Asked twice, it goes at once.
    if (stop.signal.aborted) process.exit(exit);
    code = exit;
    stop.abort();
  });

const ended = await doctorCommand(process.argv.slice(2), process.env, output, stop.signal);
process.exitCode = code ?? ended;
