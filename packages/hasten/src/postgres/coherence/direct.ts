/**
 * One plain connection beside the application's pool, for looking at the server and its catalog.
 * Opened when first used, and again after it was lost. It keeps the process alive only while an
 * answer is awaited.
 */
import { createHash } from "node:crypto";
import { untraced } from "../../core/trace/index.ts";
import { loadDriver, type PgDriver } from "../driver.ts";
import { PostgresError } from "../errors.ts";
import { sqlstateOf } from "../failures.ts";
import { parseUrl } from "../url.ts";

export type Row = Readonly<Record<string, unknown>>;

/** Runs one statement and gives its rows. */
export type Run = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

export interface Direct {
  readonly run: Run;
  /** Counts the connections made: another number means that the session is another one. */
  readonly connections: number;
  /** Of the latest connection, as it was told when it signed in: behind a pooler the pooler's own. */
  readonly processId: number | undefined;
  /** Ends the connection; later calls reject. */
  close(): Promise<void>;
}

export interface DirectOptions {
  readonly url: string;
  readonly driver: PgDriver | undefined;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
}

interface ClientStream {
  ref?(): void;
  unref?(): void;
  destroy(): void;
}

/** The part of the driver's client that is used here. */
interface PlainClient {
  connect(): Promise<void>;
  query(statement: {
    readonly text: string;
    readonly values: readonly unknown[];
    readonly name?: string;
  }): Promise<{ readonly rows: readonly Row[] }>;
  end(): Promise<void>;
  on(event: "error" | "end", listener: () => void): unknown;
  readonly processID?: number | null;
  readonly connection?: { readonly stream?: ClientStream };
}

const CONNECT_MS = 5_000;
const STATEMENT_MS = 10_000;
const PREPARED_CHARS_MIN = 1_000;
const PREPARED_MAX = 20;
const NOT_PREPARED: ReadonlySet<string> = new Set(["26000", "42P05"]);

export function createDirect(options: DirectOptions): Direct {
  let opening: Promise<PlainClient> | undefined;
  let closed = false;
  let connections = 0;
  let processId: number | undefined;
  /** One statement at a time: the driver no longer queues them. */
  let latest: Promise<unknown> = Promise.resolve();

  const open = async (): Promise<PlainClient> => {
    const client = newClient(options);
    connections += 1;
    const forget = (): void => {
      if (opening === mine) opening = undefined;
    };
    client.on("error", forget);
    client.on("end", forget);
    const mine = opening;
    try {
      await client.connect();
      processId = client.processID ?? undefined;
    } catch (error) {
      client.connection?.stream?.destroy();
      throw error;
    }
    return client;
  };
  const client = (): Promise<PlainClient> => {
    if (closed) return Promise.reject(closedError());
    if (opening === undefined) {
      const made = Promise.withResolvers<PlainClient>();
      opening = made.promise;
      made.promise.catch(() => {
        if (opening === made.promise) opening = undefined;
      });
      open().then(made.resolve, made.reject);
    }
    return opening;
  };
  const names = new Map<string, string>();
  let prepares = true;
  /**
   * The look at the catalog takes ten times longer to plan than to run: planned once. One name for one text:
   * behind a pooler a session may hold what another connection, or another process, has prepared.
   */
  const nameOf = (text: string): string | undefined => {
    if (!prepares || text.length < PREPARED_CHARS_MIN) return undefined;
    let name = names.get(text);
    if (name === undefined && names.size < PREPARED_MAX) {
      name = `hasten_${createHash("sha256").update(text).digest("base64url").slice(0, 32)}`;
      names.set(text, name);
    }
    return name;
  };
  const once = async (text: string, values: readonly unknown[]): Promise<readonly Row[]> => {
    const it = await client();
    const stream = it.connection?.stream;
    stream?.ref?.();
    try {
      const name = nameOf(text);
      return (await it.query(name === undefined ? { text, values } : { text, values, name })).rows;
    } catch (error) {
      // A pooler that gives each transaction another session, where nothing was prepared.
      if (prepares && NOT_PREPARED.has(sqlstateOf(error) ?? "")) {
        prepares = false;
        return once(text, values);
      }
      // The driver gave up waiting: what comes later would be taken for the next answer.
      if (sqlstateOf(error) === undefined) {
        stream?.destroy();
        opening = undefined; // the next call would find it closing
      }
      throw error;
    } finally {
      stream?.unref?.();
    }
  };
  return {
    get connections() {
      return connections;
    },
    get processId() {
      return processId;
    },
    // Outside any trace: what hasten asks for itself is no read of the application.
    run: (text, values = []) =>
      untraced(() => {
        const mine = latest.then(() => once(text, values));
        latest = mine.catch(() => undefined);
        return mine;
      }),
    async close() {
      closed = true;
      const last = opening;
      opening = undefined;
      try {
        const it = await last;
        it?.connection?.stream?.ref?.();
        await it?.end();
      } catch {
        // It never opened, or was lost: there is nothing to end.
      }
    },
  };
}

/** No start-up setting but the name: a pooler in between refuses those that it does not know. */
function newClient({ url, driver, applicationName }: DirectOptions): PlainClient {
  const { applicationName: _given, ...parts } = parseUrl(url);
  const Client = loadDriver(driver).Client as unknown as new (config: object) => PlainClient;
  return new Client({
    ...parts,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: STATEMENT_MS,
    keepAlive: true,
  });
}

const closedError = (): PostgresError =>
  new PostgresError("HST_PG_CLOSED", {
    message: "The coherence connection was closed.",
    fix: "Open it again with openCoherence.",
  });
