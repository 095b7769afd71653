/** What hasten needs of a Redis client, whichever it is: connections that do not heal by themselves. */

/** A command's words; binary ones are sent as they are. */
export type RedisArgument = string | Buffer;

/**
 * Bulk strings are bytes. A status (`OK`) is text or bytes, as the client has it: `String(reply)`.
 * An error of the server rejects the call.
 */
export type RedisReply = Buffer | string | number | null | readonly RedisReply[];

/**
 * One connection to one server.
 *
 * Invariants: it never reconnects and never sends a command twice; commands are sent in the order
 * of their calls and pipelined; when it is lost every call under way rejects; after `close` nothing
 * of it is left (no socket, timer or listener).
 */
export interface RedisConnection {
  /** `host:port` or a path, for messages. Never a password. */
  readonly address: string;
  call(words: readonly RedisArgument[]): Promise<RedisReply>;
  /**
   * Why its server is no longer the one to be used, where somebody else says which one is (Sentinel);
   * undefined while it is. Rejects where nobody says. Asked after the greeting and again and again.
   */
  standing?(): Promise<string | undefined>;
  /** Called once when it is lost, by whomever. Not after `close`. */
  onLost(listener: (because: string) => void): void;
  /** Ends at once; calls under way reject. May be called again. */
  close(): void;
}

/** Opens connections to the server that holds a key: the master, behind Sentinel and Cluster too. */
export interface RedisDriver {
  /** `node-redis`, `ioredis`, …: for messages. */
  readonly name: string;
  /**
   * Resolves when the connection is ready to be used (authenticated, database chosen); rejects with
   * the reason, after `connectTimeoutMs` at the latest.
   * @param key any key of the slot that will be used; decides the server in a cluster
   */
  connect(options: {
    readonly key: string;
    readonly connectTimeoutMs: number;
  }): Promise<RedisConnection>;
}

/**
 * `connecting`: never reached yet. `ready`: connected, and the server is known. `suspect`: a command
 * was not answered in time; nothing is asked until a probe is. `lost`: no connection; tried again.
 */
export type LinkStateKind = "connecting" | "ready" | "suspect" | "lost" | "closed";

export interface LinkState {
  readonly kind: LinkStateKind;
  readonly because: string | undefined;
  /** Wall clock. */
  readonly sinceMs: number;
  /** Attempts since it was last ready. */
  readonly attempts: number;
}

/** The server at the other end, as it said itself on this very connection. */
export interface RedisServer {
  readonly runId: string;
  /** `7.0.15` */
  readonly version: string;
  readonly address: string;
}

/** A script of ours. */
export interface RedisScript {
  readonly name: string;
  readonly source: string;
  /** SHA-1 of the source, as EVALSHA wants it. */
  readonly sha: string;
}

/**
 * A connection that is replaced when it is lost, with a breaker in front.
 *
 * Invariants: no reply is handed over before the server of its connection told its run id, and none
 * of a connection that was replaced meanwhile; a command is never sent twice; while the state is not
 * `ready` calls reject at once (HST_REDIS_UNAVAILABLE); a call that is not answered within
 * `timeoutMs` rejects (HST_REDIS_TIMEOUT) and makes the state `suspect`.
 */
export interface RedisLink {
  readonly state: LinkState;
  /** Of the connection in use; undefined unless ready. */
  readonly server: RedisServer | undefined;
  /** Counts the connections: a reply belongs to the server of the generation it was sent in. */
  readonly generation: number;
  call(words: readonly RedisArgument[]): Promise<RedisReply>;
  /** EVALSHA; loads the script where the server does not know it. */
  script(
    script: RedisScript,
    keys: readonly RedisArgument[],
    values: readonly RedisArgument[],
  ): Promise<RedisReply>;
  /**
   * A command that blocks, on a connection of its own, opened when first needed: for XREAD BLOCK.
   * Rejects when that is lost, or after `waitMs` and the time-out.
   */
  block(words: readonly RedisArgument[], waitMs: number): Promise<RedisReply>;
  /** Resolves when the state is ready; at once if it is. Rejects when closed. */
  ready(): Promise<void>;
  /** Told of every change of state. Returns how to stop. */
  onState(listener: (state: LinkState) => void): () => void;
  /** Nothing of it is left: no socket, timer or listener. Never rejects. */
  close(): Promise<void>;
}
