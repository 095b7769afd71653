/**
 * The cancel request of the PostgreSQL protocol (section "Canceling Requests in Progress").
 *
 * Invariants:
 * - It names a session by process id and secret key, so it can only ever reach that session.
 * - It reaches whatever that session runs *when it arrives*. So the session must not be handed to
 *   anyone else from before the request is sent until the server has closed this connection, which
 *   it does after signalling; afterwards the session is destroyed.
 * - The server's side closes the connection, not this one: a half-closed socket counts as gone to
 *   PgBouncer, which then may signal late, and up to 1.18 could exit over it (pgbouncer#801).
 * - It reads nothing: no answer that is being made depends on it.
 * - Never rejects and never takes longer than its bound: a lost request leaves the server's own
 *   statement_timeout as the limit.
 */
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { Clock } from "../core/clock.ts";
import { ownTraffic } from "../core/trace/index.ts";

const CANCEL_CODE = 80_877_102;
const SSL_CODE = 80_877_103;
const SSL_ACCEPTED = 0x53;

/** Whom to cancel, and where its server listens. */
export interface CancelTarget {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly host: string;
  readonly port: number;
  readonly ssl: unknown;
  readonly connection?: { readonly stream?: { readonly remoteAddress?: string | undefined } };
}

/** Asks the server to cancel what the session runs; settles when it took the request, or at the bound as failed. */
export function cancelRequest(
  target: CancelTarget,
  options: { readonly timeoutMs: number; readonly clock: Clock },
): Promise<"sent" | "failed"> {
  const { processID, secretKey } = target;
  if (processID === null || secretKey === null) return Promise.resolve("failed");
  const words = packet(CANCEL_CODE, processID, secretKey);
  return ownTraffic(() => request(target, words, options));
}

function request(
  target: CancelTarget,
  words: Buffer,
  options: { readonly timeoutMs: number; readonly clock: Clock },
): Promise<"sent" | "failed"> {
  return new Promise((resolve) => {
    const raw = dial(target);
    let current: Socket = raw;
    let sent = false;
    const timer = options.clock.schedule(options.timeoutMs, () => {
      // Written is not taken: a network that swallows took it from us, too.
      sent = false;
      finish();
    });
    const finish = (): void => {
      timer.cancel();
      raw.destroy();
      current.destroy();
      resolve(sent ? "sent" : "failed");
    };
    const send = (socket: Socket): void => {
      current = socket;
      socket.on("error", finish).on("close", finish).resume();
      socket.write(words, () => {
        sent = true;
      });
    };
    raw.on("error", finish).on("close", finish);
    raw.once("connect", () => {
      if (!target.ssl) send(raw);
      else askForTls(raw, target, send, finish);
    });
  });
}

function dial(target: CancelTarget): Socket {
  if (target.host.startsWith("/")) return connect(`${target.host}/.s.PGSQL.${target.port}`);
  // The very machine: a name may mean several.
  return connect(target.port, target.connection?.stream?.remoteAddress ?? target.host);
}

function askForTls(
  raw: Socket,
  target: CancelTarget,
  send: (socket: Socket) => void,
  fail: () => void,
): void {
  raw.once("data", (answer: Buffer) => {
    if (answer[0] !== SSL_ACCEPTED) return fail();
    const given = typeof target.ssl === "object" ? (target.ssl as ConnectionOptions) : {};
    const socket = connectTls({ host: target.host, ...given, socket: raw });
    socket.once("secureConnect", () => send(socket)).on("error", fail);
  });
  raw.write(packet(SSL_CODE));
}

/** Length, code, and the words that follow, all big-endian 32 bits. */
function packet(...words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + words.length * 4);
  bytes.writeInt32BE(bytes.length, 0);
  words.forEach((word, index) => {
    bytes.writeInt32BE(word | 0, 4 + index * 4);
  });
  return bytes;
}
