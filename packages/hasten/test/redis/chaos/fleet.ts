/** The processes of a run, which are stopped, killed and started again. Nothing outlives `close()`. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FromNode, NodeSettings } from "./messages.ts";

const NODE = fileURLToPath(new URL("node.ts", import.meta.url));
const START_MS = 30_000;

/** A place for a process: the process in it changes. */
export interface Slot {
  readonly at: number;
  readonly state: "up" | "stopped" | "down";
  /** Processes that ended without being killed here. */
  readonly died: number;
  stop(): void;
  go(): void;
  /** Kills it as kill -9 does. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts the next one. Resolves when it runs. */
  start(): Promise<void>;
}

export interface Fleet extends AsyncDisposable {
  readonly slots: readonly Slot[];
}

export interface FleetOptions {
  readonly nodes: readonly Omit<NodeSettings, "name">[];
  readonly onMessage: (message: FromNode) => void;
  /** Lines that the processes write to standard error. */
  readonly onLine: (line: string) => void;
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const slots = options.nodes.map((settings) => createSlot(settings, options));
  const close = async (): Promise<void> => {
    await Promise.all(slots.map((slot) => slot.kill()));
  };
  try {
    await Promise.all(slots.map((slot) => slot.start()));
  } catch (error) {
    await close();
    throw error;
  }
  return { slots, [Symbol.asyncDispose]: close };
}

function createSlot(
  settings: Omit<NodeSettings, "name">,
  { onMessage, onLine }: FleetOptions,
): Slot {
  let child: ChildProcess | undefined;
  let incarnation = -1;
  let state: Slot["state"] = "down";
  let died = 0;
  const slot: Slot = {
    at: settings.at,
    get died() {
      return died;
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
    async start() {
      incarnation += 1;
      const name = `node ${settings.at}#${incarnation}`;
      const seed = settings.seed + 1_000 * incarnation;
      const started = forked({ ...settings, name, seed }, onLine);
      child = started;
      await readyOf(started);
      started.on("message", (message) => onMessage(message as FromNode));
      state = "up";
      started.once("exit", (code) => {
        if (state === "down" || child !== started) return;
        died += 1;
        state = "down";
        onLine(`${name} ended by itself with ${code}`);
        slot.start().catch(() => undefined);
      });
    },
  };
  return slot;
}

function forked(settings: NodeSettings, onLine: (line: string) => void): ChildProcess {
  const child = fork(NODE, [JSON.stringify(settings)], {
    execArgv: ["--conditions=hasten-source", "--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => onLine(text.trimEnd()));
  return child;
}

async function readyOf(child: ChildProcess): Promise<void> {
  const signal = AbortSignal.timeout(START_MS);
  const ended = once(child, "exit", { signal }).then(([code]) => {
    throw new Error(`a process ended with ${code} before it was ready`);
  });
  ended.catch(() => undefined);
  await Promise.race([once(child, "message", { signal }), ended]);
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
