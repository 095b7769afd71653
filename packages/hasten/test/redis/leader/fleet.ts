/** Several processes on one database and one Redis, with what they saw. Nothing outlives `close`. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Read, Write } from "../../chaos/oracle.ts";

export interface Settings {
  readonly url: string;
  readonly redisUrl: string;
  readonly name: string;
  readonly boundMs: number;
  readonly rows: number;
  readonly readEveryMs: number;
  /** 0 never writes. */
  readonly writeEveryMs: number;
}

export type ToProcess = { readonly kind: "close" | "hand-over" };

export type FromProcess =
  | { readonly kind: "ready" | "closed" }
  | {
      readonly kind: "seen";
      readonly reads: readonly Read[];
      readonly writes: readonly Write[];
      readonly loads: number;
      readonly errors: number;
      readonly state: string;
      readonly promise: string;
    };

export interface Member {
  readonly name: string;
  readonly pid: number;
  readonly state: string;
  readonly errors: number;
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  kill(): Promise<void>;
  /** As a rolling restart ends it. */
  close(): Promise<void>;
}

export interface Fleet extends AsyncDisposable {
  readonly reads: readonly Read[];
  readonly writes: readonly Write[];
  readonly members: readonly Member[];
  start(): Promise<Member>;
}

const PROCESS = fileURLToPath(new URL("process.ts", import.meta.url));

export function createFleet(settings: Omit<Settings, "name">): Fleet {
  const reads: Read[] = [];
  const writes: Write[] = [];
  const members: Member[] = [];
  let born = 0;
  const start = async (): Promise<Member> => {
    born += 1;
    const name = `process ${born}`;
    const child = fork(PROCESS, [JSON.stringify({ ...settings, name })], {
      execArgv: ["--conditions=hasten-source", "--disable-warning=ExperimentalWarning"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
    let [state, errors] = ["starting", 0];
    child.on("message", (message) => {
      const said = message as FromProcess;
      if (said.kind === "ready") isReady();
      if (said.kind !== "seen") return;
      reads.push(...said.reads);
      writes.push(...said.writes);
      ({ state, errors } = said);
    });
    const member: Member = {
      name,
      pid: child.pid ?? 0,
      get state() {
        return state;
      },
      get errors() {
        return errors;
      },
      signal: (signal) => void child.kill(signal),
      kill: () => ended(child, () => child.kill("SIGKILL")),
      close: () => ended(child, () => child.send({ kind: "close" } satisfies ToProcess)),
    };
    members.push(member);
    const died = once(child, "exit").then(([code]) => {
      members.splice(members.indexOf(member), 1);
      throw new Error(`${name} ended with ${code} before it was ready`);
    });
    died.catch(() => undefined);
    await Promise.race([ready, died]);
    return member;
  };
  return {
    reads,
    writes,
    members,
    start,
    async [Symbol.asyncDispose]() {
      await Promise.all([...members].map((member) => member.kill()));
    },
  };
}

async function ended(child: ChildProcess, how: () => unknown): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  how();
  await exit;
}
