/** The command as a process of its own, as a user starts it, in a folder that shows what it leaves. */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves when stderr has said it, or the command has ended. */
  said(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export interface Settings {
  readonly url?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Place extends AsyncDisposable {
  /** Working directory and home; `temporary` below it is TMPDIR. */
  readonly folder: string;
  readonly temporary: string;
  readonly cache: string;
  start(args: readonly string[], settings?: Settings): Started;
  run(args: readonly string[], settings?: Settings): Promise<Ended>;
  /** What lies in the temporary folder. */
  left(): Promise<readonly string[]>;
}

export async function makePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "hasten-doctor-adversary-"));
  const temporary = await mkdtemp(join(folder, "tmp-"));
  const cache = join(folder, "cache");
  const start = (args: readonly string[], { url, env = {} }: Settings = {}): Started =>
    startCommand(args, folder, {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      XDG_CACHE_HOME: cache,
      TMPDIR: temporary,
      ...(url === undefined ? {} : { DATABASE_URL: url }),
      ...env,
    });
  return {
    folder,
    temporary,
    cache,
    start,
    run: (args, settings) => start(args, settings).ended,
    left: () => readdir(temporary),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function startCommand(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Started {
  const child = spawn(process.execPath, ["--conditions=hasten-source", MAIN, ...args], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  const waiting = new Set<() => void>();
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
    for (const look of waiting) look();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    said: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!err.includes(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        void ended.then(() => resolve());
      }),
    kill: (signal) => void child.kill(signal),
  };
}
