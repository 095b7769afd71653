/** A Redis (or Valkey) server of one's own for a test: without persistence, gone with this process. */
import { createServer } from "node:net";
import { redisServerProgram } from "./binaries.ts";
import { makeCertificates } from "./certificates.ts";
import { type Reply, redisCommands } from "./resp.ts";
import { type ServerProcess, superviseServer, temporaryFolder } from "./supervise.ts";

export interface RedisOptions {
  /** As on the command line: `["--maxmemory", "2mb"]`. */
  readonly flags?: readonly string[];
  /** @default a free one */
  readonly port?: number;
  /** Listens by TLS only, with a certificate of its own. */
  readonly tls?: boolean;
  readonly replicaOf?: { readonly port: number; readonly password?: string | undefined };
  readonly password?: string;
}

export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  readonly password: string | undefined;
  /** PEM of the authority of its certificate; undefined without TLS. */
  readonly ca: string | undefined;
  /** Stops the process in its tracks: it accepts (the kernel does) and never answers. */
  pause(): void;
  resume(): void;
  /** SIGKILL. `restart` brings it back, empty. */
  kill(): Promise<void>;
  /** On the same port, in a new process with a new run id. */
  restart(): Promise<void>;
  /** Sends one command on a connection of its own. Rejects with what the server refuses. */
  command(...words: readonly string[]): Promise<Reply>;
  /** Ends it and removes its folder. May be called again. */
  stop(): Promise<void>;
}

const START_LIMIT_MS = 10_000;
const POLL_MS = 10;
const PORT_ATTEMPTS = 5;

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const program = redisServerProgram();
  const folder = temporaryFolder();
  try {
    const certificates = options.tls === true ? makeCertificates(folder.path) : undefined;
    const plan: Plan = { program, folder: folder.path, options, ca: certificates?.ca };
    const tls = certificates && [
      ...["--tls-cert-file", certificates.certFile, "--tls-key-file", certificates.keyFile],
      ...["--tls-ca-cert-file", certificates.caFile, "--tls-auth-clients", "no"],
    ];
    const flags = [...(tls ?? []), ...common(options), ...(options.flags ?? [])];
    const first = await onFreePort(plan, flags);
    return redisServer({ ...plan, flags, ...first, remove: folder.remove });
  } catch (error) {
    folder.remove();
    throw error;
  }
}

interface Plan {
  readonly program: string;
  readonly folder: string;
  readonly options: RedisOptions;
  readonly ca: string | undefined;
}

function common(options: RedisOptions): readonly string[] {
  const { password, replicaOf } = options;
  return [
    ...["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--loglevel", "notice"],
    ...["--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"],
    ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
    ...(replicaOf === undefined ? [] : ["--replicaof", "127.0.0.1", String(replicaOf.port)]),
    ...(replicaOf?.password === undefined ? [] : ["--masterauth", replicaOf.password]),
  ];
}

async function onFreePort(
  plan: Plan,
  flags: readonly string[],
): Promise<{ readonly port: number; readonly process: ServerProcess }> {
  for (let attempt = 1; ; attempt++) {
    const port = plan.options.port ?? (await freePort());
    try {
      return { port, process: await run(plan, flags, port) };
    } catch (error) {
      // Somebody else took the port in between.
      const taken = String(error).includes("in use");
      if (!taken || plan.options.port !== undefined || attempt >= PORT_ATTEMPTS) throw error;
    }
  }
}

async function run(plan: Plan, flags: readonly string[], port: number): Promise<ServerProcess> {
  const { options, ca } = plan;
  const ports =
    ca === undefined ? ["--port", String(port)] : ["--port", "0", "--tls-port", String(port)];
  const server = await superviseServer(plan.program, [...ports, ...flags], plan.folder);
  const target = { port, ca, password: options.password };
  const synced = options.replicaOf !== undefined;
  const up = await within(START_LIMIT_MS, async () => {
    if (server.hasEnded) throw new Error(`The server ended at once:\n${server.lastLines()}`);
    const info = await redisCommands(target, [["INFO", "replication"]]).catch(() => undefined);
    if (info === undefined) return false;
    return !synced || String(info[0]).includes("master_link_status:up");
  });
  if (up) return server;
  await server.kill();
  throw new Error(`The server did not answer in time:\n${server.lastLines()}`);
}

interface Running extends Plan {
  readonly flags: readonly string[];
  readonly port: number;
  readonly process: ServerProcess;
  readonly remove: () => void;
}

function redisServer(running: Running): RedisServer {
  const { port, options, ca, flags } = running;
  const { password } = options;
  let { process } = running;
  const stop = async (): Promise<void> => {
    await process.stop();
    running.remove();
  };
  return {
    url: serverUrl(port, password, ca !== undefined),
    port,
    password,
    ca,
    get pid() {
      return process.pid;
    },
    pause: () => process.signal("SIGSTOP"),
    resume: () => process.signal("SIGCONT"),
    kill: () => process.kill(),
    async restart() {
      await process.stop();
      process = await run(running, flags, port);
    },
    command: async (...words) => (await redisCommands({ port, ca, password }, [words]))[0]!,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function serverUrl(port: number, password: string | undefined, tls: boolean): string {
  const user = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
  return tls ? `rediss://${user}localhost:${port}` : `redis://${user}127.0.0.1:${port}`;
}

/** A port nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Asks until it is so; false when the time is over. */
export async function within(
  limitMs: number,
  isSo: () => Promise<boolean> | boolean,
): Promise<boolean> {
  const end = performance.now() + limitMs;
  for (;;) {
    if (await isSo()) return true;
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** `REDIS_URL` where it is set, else a server of one's own: for callers that need some Redis. */
export async function someRedis(): Promise<{ readonly url: string } & AsyncDisposable> {
  const url = process.env["REDIS_URL"];
  if (url !== undefined && url !== "") return { url, [Symbol.asyncDispose]: async () => undefined };
  return await startRedis();
}
