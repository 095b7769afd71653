/** Sessions of a real server that misbehave, and a watch that tells. */
import pg from "pg";
import type { Sessions } from "../../src/postgres/index.ts";
import {
  type SessionAudit,
  type SessionEvent,
  type SessionsOptions,
  watchSessions,
} from "../../src/postgres/index.ts";

export interface Watched extends AsyncDisposable {
  readonly sessions: Sessions;
  readonly events: SessionEvent[];
  audits(): readonly SessionAudit[];
  /** Looks until this many looks were made. */
  looks(n: number): Promise<void>;
}

/** A watch that looks only when told to, with limits of a few hundred milliseconds. */
export function watched(options: Partial<SessionsOptions> & { readonly url: string }): Watched {
  const events: SessionEvent[] = [];
  const sessions = watchSessions({
    everyMs: 3_600_000,
    idleInTransactionMs: 100,
    longRunningMs: 100,
    blockedMs: 100,
    ...options,
    onEvent: (event) => events.push(event),
  });
  return {
    sessions,
    events,
    audits: () => events.flatMap((event) => (event.kind === "audit" ? [event.audit] : [])),
    async looks(n) {
      for (let done = 0; done < n; done++) await sessions.look();
    },
    [Symbol.asyncDispose]: () => sessions.close(),
  };
}

/** A session of somebody; its errors are kept, for it may be ended. */
export interface Somebody extends AsyncDisposable {
  readonly client: pg.Client;
  readonly pid: number;
  readonly errors: Error[];
}

export async function somebody(url: string, applicationName: string): Promise<Somebody> {
  const client = new pg.Client({ connectionString: url, application_name: applicationName });
  const errors: Error[] = [];
  client.on("error", (error) => errors.push(error));
  await client.connect();
  const pid = (client as unknown as { processID: number }).processID;
  return {
    client,
    pid,
    errors,
    [Symbol.asyncDispose]: () => client.end().catch(() => undefined),
  };
}

export const sleepMs = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** What it rejected with, or undefined. */
export const outcomeOf = (
  work: Promise<unknown>,
): Promise<(Error & { code?: string }) | undefined> =>
  work.then(
    () => undefined,
    (error: Error & { code?: string }) => error,
  );
