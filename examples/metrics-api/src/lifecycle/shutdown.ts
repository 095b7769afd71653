/**
 * Stopping. Invariants: what was opened last is closed first; each step ends or is left behind; the whole takes less
 * than STOP_LIMIT_MS, after which the process ends by itself and the watcher beside PostgreSQL stops that.
 */
export interface Shutdown {
  /** Aborted as soon as stopping begins: what is still starting gives up. */
  readonly signal: AbortSignal;
  /** Closed in the reverse order of being added. */
  add(close: () => PromiseLike<unknown>): void;
  /** Runs once; later calls wait for the first. */
  run(): Promise<void>;
}

export const STOP_LIMIT_MS = 4_700;

export function createShutdown(onError: (error: unknown) => void): Shutdown {
  const begun = new AbortController();
  const closers: (() => PromiseLike<unknown>)[] = [];
  let running: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    begun.abort(new Error("stopping"));
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
      try {
        await close();
      } catch (error) {
        onError(error);
      }
    }
  };
  return {
    signal: begun.signal,
    add(close) {
      closers.push(close);
      // Opened after stopping had begun: closed at once, behind what is being closed.
      if (running !== undefined) running = running.then(closeAll);
    },
    run() {
      running ??= closeAll();
      return running;
    },
  };
}

/** Ctrl-C, `kill` and a closed terminal stop in good order; npm may pass a signal on twice. */
export function stopOnSignals(stop: (signal: NodeJS.Signals) => void): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => stop(signal));
}

/** Whatever hangs: the process does not outlive this. Kept alive by nothing else. */
export function exitWithin(limitMs: number, code: number): void {
  setTimeout(() => process.exit(code), limitMs).unref();
}
