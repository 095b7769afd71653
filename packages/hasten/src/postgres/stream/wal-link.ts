/**
 * A replication connection with a temporary slot of its own.
 *
 * Invariants:
 * - The slot is gone when the connection is: a process that is away keeps no WAL.
 * - The server is answered at once when it asks, and told unasked every STATUS_MS, so that
 *   `wal_sender_timeout` is not reached while this process runs.
 * - What was received is reported as applied: nothing is ever asked for again.
 */
import type { Clock, Timer } from "../../core/clock.ts";
import { type ConnectionOptions, connect, disconnect, type WireClient } from "./client.ts";
import { LSN_ZERO, type Lsn, laterLsn, readLsn } from "./lsn.ts";

export interface WalLinkOptions extends ConnectionOptions {
  readonly clock: Clock;
  readonly publication: string;
  readonly slot: string;
  /** One message of the output plug-in, from `at` to the end of `bytes`, valid during the call. */
  readonly onMessage: (bytes: Buffer, at: number) => void;
  readonly onLost: (error: Error) => void;
}

export interface WalLink {
  readonly processId: number | null;
  /** Waits for transactions that run now. */
  createSlot(): Promise<void>;
  start(): Promise<void>;
  /** Clock instant of the latest bytes from the server. */
  readonly heardMs: number;
  /** Asks for a sign of life. */
  ask(): void;
  close(): Promise<void>;
}

const STATUS_MS = 1_000;
const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;
const HEADER = 25;
const POSTGRES_EPOCH_MS = 946_684_800_000;

export async function openWalLink(options: WalLinkOptions): Promise<WalLink> {
  const client = await connect(options, "hasten stream (wal)", true);
  return new Link(client, options);
}

class Link implements WalLink {
  heardMs: number;
  readonly #client: WireClient;
  readonly #options: WalLinkOptions;
  #received: Lsn = LSN_ZERO;
  #timer: Timer | undefined;
  #ended = false;

  constructor(client: WireClient, options: WalLinkOptions) {
    this.#client = client;
    this.#options = options;
    this.heardMs = options.clock.nowMs();
    client.on("error", (error) => this.#lose(error));
    client.on("end", () => this.#lose(new Error("the replication connection was closed")));
    client.connection.on("copyData", ({ chunk }) => this.#take(chunk));
  }

  get processId(): number | null {
    return this.#client.processID;
  }

  async createSlot(): Promise<void> {
    const { slot } = this.#options;
    await this.#client.query(
      `CREATE_REPLICATION_SLOT "${slot}" TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT`,
    );
    this.heardMs = this.#options.clock.nowMs();
  }

  start(): Promise<void> {
    const { slot, publication } = this.#options;
    const names = `"${publication.replaceAll('"', '""')}"`.replaceAll("'", "''");
    const text = `START_REPLICATION SLOT "${slot}" LOGICAL 0/0 (proto_version '2', publication_names '${names}', streaming 'on', messages 'true')`;
    const started = Promise.withResolvers<void>();
    this.#client.connection.once("replicationStart", () => {
      this.#reportEvery();
      started.resolve();
    });
    const over = (error: Error): void => {
      started.reject(error);
      this.#lose(error);
    };
    void this.#client.query({
      submit: (connection) => connection.query(text),
      handleError: over,
      handleReadyForQuery: () => over(new Error("the server ended replication")),
      handleCommandComplete: () => undefined,
      handleCopyData: () => undefined,
    });
    return started.promise;
  }

  ask(): void {
    this.#report(true);
  }

  close(): Promise<void> {
    this.#ended = true;
    this.#timer?.cancel();
    return disconnect(this.#client);
  }

  #take(chunk: Buffer): void {
    if (this.#ended) return;
    this.heardMs = this.#options.clock.nowMs();
    try {
      if (chunk[0] === XLOG_DATA) {
        this.#received = laterLsn(this.#received, readLsn(chunk, 1));
        this.#options.onMessage(chunk, HEADER);
      } else if (chunk[0] === KEEPALIVE) {
        this.#received = laterLsn(this.#received, readLsn(chunk, 1));
        if (chunk[17] === 1) this.#report(false);
      }
    } catch (error) {
      this.#lose(error as Error);
    }
  }

  #reportEvery(): void {
    this.#timer = this.#options.clock.schedule(STATUS_MS, () => {
      if (this.#ended) return;
      this.#report(false);
      this.#reportEvery();
    });
  }

  #report(replyWanted: boolean): void {
    if (this.#ended) return;
    const { high, low } = this.#received;
    const bytes = Buffer.alloc(34);
    bytes[0] = 0x72;
    for (const at of [1, 9, 17]) {
      bytes.writeUInt32BE(high, at);
      bytes.writeUInt32BE(low, at + 4);
    }
    const microseconds = (this.#options.clock.wallMs() - POSTGRES_EPOCH_MS) * 1_000;
    bytes.writeBigInt64BE(BigInt(Math.round(microseconds)), 25);
    bytes[33] = replyWanted ? 1 : 0;
    this.#client.connection.sendCopyFromChunk(bytes);
  }

  #lose(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#options.onLost(error ?? new Error("the replication connection failed"));
  }
}
