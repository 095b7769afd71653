const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * On the first SIGTERM or SIGINT runs `stop` and ends the process, unless the program listens to
 * that signal too: then it decides. A second signal ends it at once, as without listeners.
 * Returns how to stop listening.
 */
export function onStopSignal(stop: () => Promise<void>): () => void {
  const off = (): void => {
    for (const signal of SIGNALS) process.off(signal, end);
  };
  const end = (signal: NodeJS.Signals): void => {
    off();
    const alone = process.listenerCount(signal) === 0;
    stop().then(
      () => alone && process.exit(),
      () => alone && process.exit(1),
    );
  };
  for (const signal of SIGNALS) process.on(signal, end);
  return off;
}
