import { EXIT, type Output } from "./contract.ts";

/** This process as the place where the command writes. */
export interface ProcessOutput {
  readonly output: Output;
  /** Aborted by SIGINT and SIGTERM; a second one ends the process at once. */
  readonly signal: AbortSignal;
  /** What the process should exit with, given the command's own code. */
  readonly exitCode: (ended: number) => number;
}

const INTERRUPTED = 130;
const TERMINATED = 143;

/**
 * Standard output and error with what is known of their terminals, and the signals that end a run.
 * It listens until the process ends: for programs, not for servers.
 */
export function processOutput(): ProcessOutput {
  const { stdout, stderr } = process;
  // Whoever reads may have gone (`| head`): that is no fault. A full disk is one.
  let unwritten = false;
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || unwritten) return;
    unwritten = true;
    process.exitCode = EXIT.failed;
    stderr.write(
      `hasten-doctor: The report could not be written (${error.code ?? "no reason"}).\n`,
    );
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
  return {
    output: {
      out: (text) => void stdout.write(text),
      err: (text) => void stderr.write(text),
      columns: stdout.isTTY ? stdout.columns : undefined,
      color: stdout.isTTY && stdout.hasColors(),
      rewritable: stderr.isTTY,
    },
    signal: stop.signal,
    exitCode: (ended) => code ?? (unwritten ? EXIT.failed : ended),
  };
}
