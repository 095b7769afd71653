/**
 * One PostgreSQL process that cannot outlive us.
 *
 * Invariants:
 * - PostgreSQL runs in a session of its own: a Ctrl-C at the terminal reaches us only, and we stop it last.
 * - A small shell waits beside it on a pipe that we hold open. When this process ends, however it ends (kill -9
 *   included), the pipe closes and the shell stops the server; a temporary server's directory goes with it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Home } from "./home.ts";
import { postmasterPid, tryKill } from "./postmaster.ts";
import type { ServerUser } from "./server-user.ts";

const WATCH = `
remove=$1; shift
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
( read -r _ <&3; kill -INT "$server" ) 2>/dev/null &
watcher=$!
exec 3<&-
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
[ -n "$remove" ] && rm -rf -- "$remove"
exit "$code"
`;

const FAST_STOP_MS = 3_000;
const IMMEDIATE_STOP_MS = 700;

export interface ServerProcess {
  /** Settles when the server has ended, with the last lines it wrote. */
  readonly ended: Promise<readonly string[]>;
  readonly hasEnded: () => boolean;
  /** Resolves at the first line that matches, rejects never: race it with `ended`. */
  line(pattern: RegExp): Promise<void>;
  /** Ends sessions and stops, at most about 5 seconds. */
  stop(): Promise<void>;
}

export interface ServerCommand {
  readonly home: Home;
  readonly user: ServerUser | undefined;
  readonly args: readonly string[];
  /** Removed by the watching shell after the server has ended; empty for kept data. */
  readonly removeAfter: string;
  readonly onLog: (line: string) => void;
}

const LAST_LINES_MAX = 40;

export function superviseServer(command: ServerCommand): ServerProcess {
  const { home, user, args, removeAfter, onLog } = command;
  const child = spawn(
    "/bin/sh",
    ["-c", WATCH, "sh", removeAfter, home.binaries.postgres, "-D", home.cluster, ...args],
    {
      cwd: home.workspace,
      detached: true,
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
      stdio: ["pipe", "ignore", "pipe"],
      ...(user && { uid: user.uid, gid: user.gid }),
    },
  );
  child.stdin?.on("error", () => undefined);
  const lastLines: string[] = [];
  const listeners = new Set<(line: string) => void>();
  createInterface({ input: child.stderr! }).on("line", (line) => {
    if (lastLines.push(line) > LAST_LINES_MAX) lastLines.shift();
    onLog(line);
    for (const listener of listeners) listener(line);
  });
  const ended = endOf(child).then(() => lastLines);
  return {
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    line: (pattern) =>
      new Promise((resolve) => {
        listeners.add(function listen(line) {
          if (!pattern.test(line)) return;
          listeners.delete(listen);
          resolve();
        });
      }),
    stop: () => stopChild(child, ended, home.cluster),
  };
}

async function endOf(child: ChildProcess): Promise<void> {
  await Promise.race([once(child, "close"), once(child, "error")]);
}

async function stopChild(
  child: ChildProcess,
  ended: Promise<unknown>,
  cluster: string,
): Promise<void> {
  const pid = postmasterPid(cluster);
  child.stdin?.end();
  if (await settlesWithin(ended, FAST_STOP_MS)) return;
  for (const signal of ["SIGQUIT", "SIGKILL"] as const) {
    if (pid !== undefined) tryKill(pid, signal);
    if (await settlesWithin(ended, IMMEDIATE_STOP_MS)) return;
  }
}

async function settlesWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, limitMs, false);
  try {
    return await Promise.race([work.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}
