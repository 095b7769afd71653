/**
 * Connections for commands that block, since nothing else is answered on them meanwhile: one for each
 * such command under way, kept for the next.
 *
 * Invariants: a connection counts only after its greeting; one whose command was not answered in time
 * is closed (what it still answers belongs to nobody); `drop` ends all of them.
 */
import type { Clock } from "../../core/clock.ts";
import { RedisError, reasonOf, refused, replyError } from "../errors.ts";
import type { RedisArgument, RedisConnection, RedisReply } from "../types.ts";

/** More than a process has use for: one for each shard is the most. */
const CONNECTIONS_MAX = 64;

function failure(error: unknown): RedisError {
  if (error instanceof RedisError) return error;
  const reply = replyError(error);
  if (reply === undefined) {
    return new RedisError("HST_REDIS_UNAVAILABLE", `${reasonOf(error)}.`, { cause: error });
  }
  return refused(reply);
}

export class BlockingCalls {
  readonly #open: () => Promise<RedisConnection>;
  readonly #clock: Clock;
  readonly #idle: RedisConnection[] = [];
  readonly #abandon: Set<(because: string) => void> = new Set();

  /** @param open a connection that has been greeted */
  constructor(open: () => Promise<RedisConnection>, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  async call(words: readonly RedisArgument[], limitMs: number): Promise<RedisReply> {
    if (this.#abandon.size >= CONNECTIONS_MAX) {
      throw new RedisError("HST_REDIS_BUSY", `${CONNECTIONS_MAX} blocking commands are under way.`);
    }
    const { promise: over, reject } = Promise.withResolvers<never>();
    over.catch(() => undefined);
    const abandon = (because: string): void =>
      reject(new RedisError("HST_REDIS_LOST", `The connection was lost: ${because}.`));
    this.#abandon.add(abandon);
    const opening = this.#connection();
    try {
      const connection = await Promise.race([opening, over]);
      connection.onLost(abandon);
      return await this.#ask(connection, words, { limitMs, over });
    } catch (error) {
      opening.then(
        (connection) => connection.close(),
        () => undefined,
      );
      throw failure(error);
    } finally {
      this.#abandon.delete(abandon);
    }
  }

  /** Every call under way rejects, and no connection is left. */
  drop(because: string): void {
    for (const abandon of [...this.#abandon]) abandon(because);
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  async #connection(): Promise<RedisConnection> {
    return this.#idle.pop() ?? (await this.#open());
  }

  async #ask(
    connection: RedisConnection,
    words: readonly RedisArgument[],
    { limitMs, over }: { readonly limitMs: number; readonly over: Promise<never> },
  ): Promise<RedisReply> {
    const late = Promise.withResolvers<never>();
    const timer = this.#clock.schedule(limitMs, () =>
      late.reject(new RedisError("HST_REDIS_TIMEOUT", `No answer within ${limitMs} ms.`)),
    );
    try {
      const reply = await Promise.race([connection.call(words), late.promise, over]);
      this.#keep(connection);
      return reply;
    } catch (error) {
      if (error instanceof RedisError || replyError(error) !== undefined) throw error;
      throw new RedisError("HST_REDIS_LOST", `The connection was lost: ${reasonOf(error)}.`, {
        cause: error,
      });
    } finally {
      timer.cancel();
    }
  }

  #keep(connection: RedisConnection): void {
    this.#idle.push(connection);
    connection.onLost(() => {
      const at = this.#idle.indexOf(connection);
      if (at !== -1) this.#idle.splice(at, 1);
    });
  }
}
