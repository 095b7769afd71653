/**
 * A client taken from the pool for a while.
 *
 * Invariants:
 * - it goes back exactly once: clean (may be used again) or broken (destroyed);
 * - whoever stops waiting for a statement that was sent (time-out, abort, forced drain) abandons
 *   the lease: the caller is told at once, a cancel request goes out, and the client is kept aside,
 *   neither used nor returned, until that request was taken or its bound passed; then it is
 *   destroyed. So a cancel can never reach another caller's statement;
 * - a client whose server refused a write as read-only is destroyed: after a failover it leads to what
 *   used to be the primary.
 */
import type { Clock } from "../core/clock.ts";
import type { PgClient, PgResult, PgStatement } from "./driver.ts";
import { PostgresError } from "./errors.ts";
import { aborted, failureOf, READ_ONLY, sqlstateOf } from "./failures.ts";
import type { Suspicion } from "./idle-drop.ts";
import { measuredClients } from "./measured-clients.ts";

export interface RunLimit {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onTimeout: () => PostgresError;
}

export interface Lease {
  /** Sends one statement and waits within the limit. Rejects with the driver's error, or with ours. */
  run(statement: PgStatement, limit: RunLimit): Promise<PgResult>;
  /** Sends all before waiting, where the driver can pipeline; else one after the other. */
  runAll(
    statements: readonly PgStatement[],
    limit: RunLimit,
  ): Promise<readonly PromiseSettledResult<PgResult>[]>;
  /**
   * Anything else that is done with the client (cursors, COPY), within the limit. `work` must end when
   * the client's socket is destroyed, which is what happens to it after the limit.
   */
  use<T>(work: (client: PgClient) => Promise<T>, limit: RunLimit): Promise<T>;
  /** Gives up with this error: what runs is cancelled, what follows is refused. */
  abandon(error: PostgresError): void;
  release(state: "clean" | "broken"): void;
  /** What its connection has received so far, in bytes. */
  bytesRead(): number;
  /** The server's process id of the session; behind a pooler a number that means nothing. */
  readonly pid: number | null;
  /** When it was taken, by the clock. */
  readonly sinceMs: number;
  /** Why it was abandoned, if it was: nothing more can be sent. */
  readonly abandoned: PostgresError | undefined;
}

export interface LeaseOptions {
  readonly clock: Clock;
  readonly cancel: (client: PgClient) => Promise<unknown>;
  /** Other connections of the pool are as bad as this one. */
  readonly onSuspect?: (why: Suspicion) => void;
  /** Called once, when the client went back or was destroyed. */
  readonly onOver: (lease: Lease) => void;
}

/** Wraps a checked-out client; see the invariants above. */
export function createLease(client: PgClient, options: LeaseOptions): Lease {
  let over = false;
  let given: PostgresError | undefined;
  let readOnly = false;
  let failRunning: ((error: PostgresError) => void) | undefined;
  measuredClients.add(client);

  const end = (destroy: boolean): void => {
    // A polite goodbye would wait for ever on a connection that swallows everything.
    if (destroy) client.connection?.stream?.destroy();
    else measuredClients.delete(client); // the next one to take it may be an ORM
    client.release(destroy);
    options.onOver(lease);
  };

  const afterCancel = (outcome: unknown): void => {
    end(true);
    if (outcome === "failed") options.onSuspect?.("no answer");
  };

  const abandon = (error: PostgresError): void => {
    if (over) return;
    over = true;
    given = error;
    const fail = failRunning;
    fail?.(error);
    if (fail === undefined) end(true);
    else void options.cancel(client).then(afterCancel, afterCancel);
  };

  const within = <T>(limit: RunLimit, start: () => Promise<T>): Promise<T> => {
    if (given !== undefined) return Promise.reject(given);
    const { signal } = limit;
    if (signal?.aborted) return Promise.reject(aborted(signal));
    return new Promise<T>((resolve, reject) => {
      const timer = options.clock.schedule(limit.timeoutMs, () => abandon(limit.onTimeout()));
      const onAbort = (): void => abandon(aborted(signal!));
      signal?.addEventListener("abort", onAbort, { once: true });
      const settle = (): void => {
        failRunning = undefined;
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
      };
      failRunning = (error) => {
        settle();
        reject(error);
      };
      // After abandon() these find the promise settled and do nothing.
      start().then(
        (value) => {
          if (!over) settle();
          resolve(value);
        },
        (error: unknown) => {
          if (!over) settle();
          readOnly ||= sqlstateOf(error) === READ_ONLY;
          reject(withReason(error, client.lostBecause));
        },
      );
    });
  };

  const lease: Lease = {
    run: (statement, limit) => within(limit, () => client.query(statement)),
    runAll: (statements, limit) => within(limit, () => sendAll(client, statements)),
    use: (work, limit) => within(limit, () => work(client)),
    abandon,
    bytesRead: () => client.connection?.stream?.bytesRead ?? 0,
    pid: client.processID,
    sinceMs: options.clock.nowMs(),
    get abandoned() {
      return given;
    },
    release(state) {
      if (over) return;
      over = true;
      given = CLOSED;
      end(state === "broken" || readOnly);
      if (readOnly) options.onSuspect?.("read-only");
    },
  };
  return lease;
}

/** The driver says that the client cannot be used; the server said why, earlier. */
function withReason(error: unknown, lostBecause: unknown): unknown {
  if (lostBecause !== undefined && error instanceof Error && failureOf(error) === "unsent")
    error.cause = lostBecause;
  return error;
}

const CLOSED: PostgresError = new PostgresError("HST_PG_TX", {
  message: "The connection was already given back.",
  fix: "Await every statement before the work ends.",
});

async function sendAll(
  client: PgClient,
  statements: readonly PgStatement[],
): Promise<readonly PromiseSettledResult<PgResult>[]> {
  if (typeof client.pipeline !== "boolean") return sendInTurn(client, statements);
  const before = client.pipeline;
  client.pipeline = true;
  try {
    return await Promise.allSettled(statements.map((statement) => client.query(statement)));
  } finally {
    client.pipeline = before;
  }
}

async function sendInTurn(
  client: PgClient,
  statements: readonly PgStatement[],
): Promise<readonly PromiseSettledResult<PgResult>[]> {
  const settled: PromiseSettledResult<PgResult>[] = [];
  for (const statement of statements)
    settled.push(...(await Promise.allSettled([client.query(statement)])));
  return settled;
}
