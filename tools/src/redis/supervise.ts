/**
 * Server processes and folders that cannot outlive this process.
 *
 * A small shell waits beside each on a pipe that we hold open: when this process ends, however it
 * ends (kill -9 included), the pipe closes, and the shell kills the server or removes the folder.
 * Nothing of it keeps this process alive.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const RUN = `
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
echo "pid $server"
( read -r _ <&3; kill -KILL "$server" ) 2>/dev/null >/dev/null &
watcher=$!
exec 3<&-
wait "$server"
kill "$watcher" 2>/dev/null
exit 0
`;
/** The servers of the folder are killed by their own shells meanwhile. */
const KEEP = 'read -r _; sleep 1; rm -rf -- "$1"';
const LAST_LINES_MAX = 30;
const STOP_LIMIT_MS = 2_000;

export interface ServerProcess {
  readonly pid: number;
  readonly hasEnded: boolean;
  /** Settles when the server has ended. */
  readonly ended: Promise<void>;
  /** The last lines it wrote. */
  lastLines(): string;
  signal(name: NodeJS.Signals): void;
  /** Asks it to end, and makes it after two seconds. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** Runs a program until it is stopped or this process ends. */
export async function superviseServer(
  program: string,
  args: readonly string[],
  folder: string,
): Promise<ServerProcess> {
  const child = spawn("/bin/sh", ["-c", RUN, "sh", program, ...args], {
    cwd: folder,
    // A Ctrl-C at the terminal reaches us only.
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
  });
  unref(child);
  const lines: string[] = [];
  const { promise: pid, resolve: knowPid } = Promise.withResolvers<number>();
  createInterface({ input: child.stdout! }).on("line", (line) => {
    if (line.startsWith("pid ")) knowPid(Number(line.slice(4)));
    else if (lines.push(line) > LAST_LINES_MAX) lines.shift();
  });
  let over = false;
  const ended = Promise.race([once(child, "exit"), once(child, "error")]).then(() => {
    over = true;
    child.stdin!.destroy();
  });
  const started = await alive(Promise.race([pid, ended]));
  if (started === undefined) throw new Error(`${program} could not be run.`);
  return serverProcess({ pid: started, ended, lines, hasEnded: () => over });
}

function serverProcess(of: {
  readonly pid: number;
  readonly ended: Promise<void>;
  readonly lines: readonly string[];
  readonly hasEnded: () => boolean;
}): ServerProcess {
  const signal = (name: NodeJS.Signals): void => {
    if (of.hasEnded()) return;
    try {
      process.kill(of.pid, name);
    } catch {
      // It has just ended.
    }
  };
  const kill = async (): Promise<void> => {
    signal("SIGKILL");
    await alive(of.ended);
  };
  return {
    pid: of.pid,
    ended: of.ended,
    get hasEnded() {
      return of.hasEnded();
    },
    lastLines: () => of.lines.join("\n"),
    signal,
    kill,
    async stop() {
      signal("SIGTERM");
      signal("SIGCONT");
      const timer = setTimeout(() => signal("SIGKILL"), STOP_LIMIT_MS);
      await alive(of.ended);
      clearTimeout(timer);
    },
  };
}

/** What is awaited is unref'd: without a timer the process could end in between. */
async function alive<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, STOP_LIMIT_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

/** A folder that is removed at the end, whichever. */
export function temporaryFolder(prefix = "hasten-redis-"): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), prefix));
  const keeper = spawn("/bin/sh", ["-c", KEEP, "sh", path], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  keeper.on("error", () => undefined);
  unref(keeper);
  return {
    path,
    remove() {
      rmSync(path, { recursive: true, force: true });
      keeper.kill("SIGKILL");
      keeper.stdin!.destroy();
    },
  };
}

function unref(child: ChildProcess): void {
  child.unref();
  child.stdin?.on("error", () => undefined);
  for (const stream of [child.stdin, child.stdout]) {
    (stream as { unref?: () => void } | null)?.unref?.();
  }
}
