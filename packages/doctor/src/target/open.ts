import { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import { DoctorError } from "../errors.ts";
import { connectFailure, triesNext } from "./connect-failure.ts";
import { type ConnectionSpec, isSocket } from "./connection.ts";
import { readIdentity } from "./identity.ts";
import { sessionOf, settingsOf, type TimeOuts, type Wire, wireOf } from "./session.ts";
import { attemptsOf } from "./tls.ts";
import type { Target } from "./types.ts";

export interface TargetOptions {
  /** Milliseconds. @default 5_000 */
  readonly statementTimeoutMs?: number;
  /** Milliseconds. @default 200 */
  readonly lockTimeoutMs?: number;
  /** Ends the session at once. */
  readonly signal?: AbortSignal | undefined;
}

/** How the session shows in pg_stat_activity. */
export const APPLICATION_NAME = "hasten-doctor";
const IDLE_IN_TRANSACTION_MS = 10_000;
const END_MS_MAX = 2_000;

/**
 * Opens the one read-only session.
 * @throws DoctorError HST_DOCTOR_TARGET: not reached, refused, older than 14; no message holds the
 *   password or the server's own text
 */
export async function openTarget(
  spec: ConnectionSpec,
  options: TargetOptions = {},
): Promise<Target> {
  const timeOuts: TimeOuts = {
    statementMs: options.statementTimeoutMs ?? 5_000,
    lockMs: options.lockTimeoutMs ?? 200,
    idleInTransactionMs: IDLE_IN_TRANSACTION_MS,
  };
  const line = await connect(spec, options.signal);
  const wire = wireOf(line.client, line.socket, timeOuts.statementMs);
  const cut = (): void => void line.socket.destroy();
  options.signal?.addEventListener("abort", cut, { once: true });
  const close = async (): Promise<void> => {
    options.signal?.removeEventListener("abort", cut);
    const late = setTimeout(cut, END_MS_MAX);
    await line.client.end().catch(() => undefined);
    clearTimeout(late);
  };
  try {
    return await targetOn({ spec, line, wire, timeOuts, close });
  } catch (cause) {
    await close();
    throw cause;
  }
}

interface Line {
  readonly client: pg.Client;
  readonly socket: Socket;
  readonly encrypted: boolean;
}

interface Opened {
  readonly spec: ConnectionSpec;
  readonly line: Line;
  readonly wire: Wire;
  readonly timeOuts: TimeOuts;
  readonly close: () => Promise<void>;
}

async function targetOn({ spec, line, wire, timeOuts, close }: Opened): Promise<Target> {
  const { backendPid, ...identity } = await readIdentity(wire);
  // A server gives its own process id for cancelling; a pooler gives one that it made up.
  const pooled = processIdOf(line.client) !== backendPid;
  if (!pooled)
    await wire.send(`set default_transaction_read_only = on; ${settingsOf(timeOuts, "set")}`);
  const unencrypted = !line.encrypted && !isSocket(spec.host) && !LOCAL.has(spec.host);
  return {
    ...identity,
    ...sessionOf(wire, timeOuts, pooled),
    pooled,
    notes: [
      ...spec.notes,
      ...(unencrypted ? ["The connection to the server is not encrypted."] : []),
      ...(pooled
        ? ["A pooler stands between: every statement runs in a read-only transaction of its own."]
        : []),
    ],
    spent: wire.spent,
    [Symbol.asyncDispose]: close,
  };
}

const LOCAL: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

/** pg keeps what the server said at the start; its types leave the field out. */
const processIdOf = (client: pg.Client): unknown =>
  "processID" in client ? client.processID : undefined;

async function connect(spec: ConnectionSpec, signal: AbortSignal | undefined): Promise<Line> {
  const attempts = isSocket(spec.host) ? ([false] as const) : attemptsOf(spec.tls);
  for (const [at, ssl] of attempts.entries()) {
    if (signal?.aborted) throw cancelled();
    try {
      return await attempt(spec, ssl, signal);
    } catch (cause) {
      if (signal?.aborted) throw cancelled();
      if (at === attempts.length - 1 || !triesNext(cause))
        throw connectFailure(cause, spec.password() === undefined);
    }
  }
  throw cancelled();
}

async function attempt(
  spec: ConnectionSpec,
  ssl: ConnectionOptions | false,
  signal: AbortSignal | undefined,
): Promise<Line> {
  const socket = new Socket();
  const client = new pg.Client({
    host: spec.host,
    port: spec.port,
    user: spec.user,
    database: spec.database,
    // Given always: pg would otherwise read the environment and password file by its own rules.
    password: () => spec.password() ?? "",
    ssl,
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: spec.connectTimeoutMs,
    keepAlive: true,
    stream: () => socket,
  });
  // Until it is connected its errors come by the promise as well.
  client.on("error", () => undefined);
  const cut = (): void => void socket.destroy();
  signal?.addEventListener("abort", cut, { once: true });
  try {
    await client.connect();
    return { client, socket, encrypted: ssl !== false };
  } catch (cause) {
    socket.destroy();
    throw cause;
  } finally {
    signal?.removeEventListener("abort", cut);
  }
}

const cancelled = (): DoctorError =>
  new DoctorError("HST_DOCTOR_TARGET", {
    message: "It was cancelled before the server was reached.",
    fix: "Run it again.",
  });
