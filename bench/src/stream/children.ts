/** Processes of a bench: forked with their settings, killed at the end, whatever happens. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type Script = "subscriber.ts" | "loader.ts" | "lists-app.ts";

export interface Child extends AsyncDisposable {
  /** The next message. Rejects when the process ends first. */
  next<T>(): Promise<T>;
  tell(message: object): void;
  readonly pid: number;
}

const WAIT_MS = 60_000;

export function start(script: Script, settings: object): Child {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child: ChildProcess = fork(path, [JSON.stringify(settings)], {
    execArgv: ["--conditions=hasten-source"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const waiting: unknown[] = [];
  child.on("message", (message) => waiting.push(message));
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  return {
    pid: child.pid ?? 0,
    tell: (message) => void child.send(message),
    async next<T>() {
      const signal = AbortSignal.timeout(WAIT_MS);
      while (waiting.length === 0) {
        if (child.exitCode !== null) throw new Error(`${script} ended with ${child.exitCode}`);
        const over = new AbortController();
        const either = { signal: AbortSignal.any([signal, over.signal]) };
        await Promise.race([once(child, "message", either), once(child, "exit", either)]);
        over.abort();
      }
      return waiting.shift() as T;
    },
    [Symbol.asyncDispose]: end,
  };
}

/** The first argument of a process of ours. */
export function settingsOf<T>(): T {
  process.on("disconnect", () => process.exit(0));
  return JSON.parse(process.argv[2] ?? "{}") as T;
}

export function tellParent(message: object): void {
  if (process.connected) process.send?.(message, () => undefined);
}
