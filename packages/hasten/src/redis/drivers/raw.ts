/**
 * One connection of a client library as a RedisConnection.
 *
 * Invariants: settles within the connect time-out, and what did not become a connection is destroyed;
 * the loss is told once, and only of a connection that was handed over and not closed.
 */
import { reasonOf, replyError } from "../errors.ts";
import type { RedisArgument, RedisConnection, RedisReply } from "../types.ts";

/** What a library's client must offer; it does not reconnect. */
export interface RawClient {
  open(): Promise<unknown>;
  send(words: readonly RedisArgument[]): Promise<unknown>;
  /** Leaves nothing: no socket, timer or listener. May be called again. */
  destroy(): void;
  /** Told when the connection is gone, perhaps more than once, perhaps after `destroy`. */
  onGone(listener: (because: unknown) => void): void;
  address(): string;
  /** As of a connection. */
  standing?(): Promise<string | undefined>;
}

export async function connectRaw(
  raw: RawClient,
  connectTimeoutMs: number,
): Promise<RedisConnection> {
  const connection = new RawConnection(raw);
  try {
    await limited(raw.open(), connectTimeoutMs);
    connection.opened();
    return connection;
  } catch (error) {
    connection.close();
    throw replyError(error) ?? new Error(reasonOf(error), { cause: error });
  }
}

/** Rejects when the work takes too long; what becomes of it then is nobody's affair. */
export async function limited<T>(work: Promise<T>, limitMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not connected within ${limitMs} ms`)), limitMs);
  timer.unref();
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

class RawConnection implements RedisConnection {
  address = "";
  readonly #raw: RawClient;
  #state: "opening" | "open" | "lost" | "closed" = "opening";
  #because = "closed";
  #listeners: ((because: string) => void)[] = [];

  constructor(raw: RawClient) {
    this.#raw = raw;
    raw.onGone((because) => this.#lost(because));
  }

  opened(): void {
    if (this.#state === "lost") throw new Error(this.#because);
    this.#state = "open";
    this.address = this.#raw.address();
  }

  /** Rejects with the library's own error: `replyError` knows what it is. */
  call(words: readonly RedisArgument[]): Promise<RedisReply> {
    if (this.#state !== "open") return Promise.reject(new Error(this.#because));
    return this.#raw.send(words) as Promise<RedisReply>;
  }

  async standing(): Promise<string | undefined> {
    return await this.#raw.standing?.();
  }

  onLost(listener: (because: string) => void): void {
    if (this.#state === "lost") queueMicrotask(() => listener(this.#because));
    else this.#listeners.push(listener);
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#because = "closed";
    this.#listeners = [];
    this.#raw.destroy();
  }

  #lost(because: unknown): void {
    if (this.#state === "lost" || this.#state === "closed") return;
    this.#state = "lost";
    this.#because = because === undefined ? "connection closed by the server" : reasonOf(because);
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener(this.#because);
    this.#raw.destroy();
  }
}
