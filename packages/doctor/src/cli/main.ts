#!/usr/bin/env node
import { doctorCommand } from "./command.ts";
import { EXIT, type Output } from "./contract.ts";

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
// Whoever reads may have gone (`| head`): that is no fault. A full disk is one.
let unwritten = false;
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE" || unwritten) return;
  unwritten = true;
  process.exitCode = EXIT.failed;
  stderr.write(`hasten-doctor: The report could not be written (${error.code ?? "no reason"}).\n`);
});
stderr.on("error", () => undefined);

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
process.exitCode = code ?? (unwritten ? EXIT.failed : ended);
