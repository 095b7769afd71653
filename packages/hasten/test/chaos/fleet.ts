/**
 * The processes of a run: API processes that are stopped, killed and started again, and writers.
 * Nothing outlives `close()`.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ApiSettings, FromApi, FromWriter, WriterSettings } from "./messages.ts";

const API = fileURLToPath(new URL("api.ts", import.meta.url));
const WRITER = fileURLToPath(new URL("writer.ts", import.meta.url));
const START_MS = 30_000;

/** A place for an API process: the process in it changes. */
export interface Slot {
  readonly at: number;
  /** Of the process in it now: `api 0#2` is the third one. */
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly state: "up" | "stopped" | "down";
  /** Processes that ended without being killed here. */
  readonly died: number;
  stop(): void;
  go(): void;
  /** Kills it as kill -9 does. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Asks it to end as a deployment does. Resolves when it is gone. */
  end(): Promise<void>;
  /** Starts the next one. Resolves when it listens. */
  start(): Promise<void>;
}

export interface Fleet extends AsyncDisposable {
  readonly slots: readonly Slot[];
  /** Asks the writers to stop, and resolves when each has told its last write. */
  stopWriters(): Promise<void>;
}

export interface FleetOptions {
  readonly api: Omit<ApiSettings, "name">;
  readonly apis: number;
  readonly writers: readonly WriterSettings[];
  readonly onWriter: (message: FromWriter) => void;
  /** Lines that the processes write to standard error. */
  readonly onLine: (line: string) => void;
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const slots = Array.from({ length: options.apis }, (_, at) => createSlot(at, options));
  const writers: ChildProcess[] = [];
  const close = async (): Promise<void> => {
    await Promise.all([
      ...slots.map((slot) => slot.kill()),
      ...writers.map((child) => killed(child)),
    ]);
  };
  try {
    await Promise.all(slots.map((slot) => slot.start()));
    for (const settings of options.writers) {
      const child = forked(WRITER, settings, options.onLine);
      child.on("message", (message) => options.onWriter(message as FromWriter));
      writers.push(child);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    slots,
    async stopWriters() {
      await Promise.all(
        writers.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const ended = once(child, "exit");
          child.send("stop", () => undefined);
          await ended;
        }),
      );
    },
    [Symbol.asyncDispose]: close,
  };
}

function createSlot(at: number, options: FleetOptions): Slot {
  let child: ChildProcess | undefined;
  let incarnation = -1;
  let port = 0;
  let state: Slot["state"] = "down";
  let died = 0;
  const slot: Slot = {
    at,
    get died() {
      return died;
    },
    get name() {
      return `api ${at}#${incarnation}`;
    },
    get port() {
      return port;
    },
    get pid() {
      return child?.pid ?? 0;
    },
    get state() {
      return state;
    },
    stop() {
      if (state !== "up") return;
      child?.kill("SIGSTOP");
      state = "stopped";
    },
    go() {
      if (state !== "stopped") return;
      child?.kill("SIGCONT");
      state = "up";
    },
    async kill() {
      state = "down";
      if (child !== undefined) await killed(child);
    },
    async end() {
      state = "down";
      if (child !== undefined) await killed(child, "SIGTERM");
    },
    async start() {
      incarnation += 1;
      const name = `api ${at}#${incarnation}`;
      const said: string[] = [];
      const started = forked(API, { ...options.api, name }, (line) => {
        if (state !== "up") said.push(line);
        options.onLine(line);
      });
      child = started;
      const ready = (await messageOf(started, said)) as FromApi;
      port = ready.port;
      state = "up";
      started.once("exit", (code) => {
        if (state === "down" || child !== started) return;
        died += 1;
        state = "down";
        options.onLine(`${name} ended by itself with ${code}`);
        // Once more; a process that cannot start is counted, and its place stays empty.
        slot.start().catch(() => undefined);
      });
    },
  };
  return slot;
}

function forked(
  script: string,
  settings: ApiSettings | WriterSettings,
  onLine: (line: string) => void,
): ChildProcess {
  const child = fork(script, [JSON.stringify(settings)], {
    execArgv: ["--conditions=hasten-source", "--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => onLine(text.trimEnd()));
  return child;
}

async function messageOf(child: ChildProcess, said: readonly string[]): Promise<unknown> {
  const signal = AbortSignal.timeout(START_MS);
  const ended = once(child, "close", { signal }).then(([code]) => {
    throw new Error(`an API process ended with ${code} before it listened:\n${said.join("\n")}`);
  });
  ended.catch(() => undefined);
  const [message] = (await Promise.race([once(child, "message", { signal }), ended])) as unknown[];
  return message;
}

async function killed(child: ChildProcess, how: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, "exit");
  child.kill(how);
  await ended;
}
