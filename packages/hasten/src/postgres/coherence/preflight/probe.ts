/** Tries what only trying tells: whether a URL leads to the server itself, and may replicate. */

import { untraced } from "../../../core/trace/index.ts";
import { loadDriver, type PgDriver } from "../../driver.ts";
import { isUnavailable, reasonOf, sqlstateOf } from "../../failures.ts";
import { parseUrl } from "../../url.ts";
import type { Row } from "../direct.ts";

export interface UrlFacts {
  /** Why it could not be used, without host or password; undefined when it could. */
  readonly refused: string | undefined;
  /** Something in between answers for the server. */
  readonly pooler: boolean;
  /** As in ServerFacts; undefined when it could not be asked. */
  readonly identity: string | undefined;
}

export interface ReplicationFacts {
  /** Undefined when a replication connection could be made. */
  readonly refused: string | undefined;
  readonly sqlstate: string | undefined;
}

interface ProbeClient {
  connect(): Promise<void>;
  query(text: string): Promise<{ readonly rows: readonly Row[] }>;
  end(): Promise<void>;
  on(event: "error", listener: () => void): unknown;
  readonly processID: number | null;
  readonly connection?: { readonly stream?: { destroy(): void } };
}

const CONNECT_MS = 5_000;
const ANSWER_MS = 5_000;

const WHO = `select pg_backend_pid() as pid,
  (select system_identifier from pg_control_system())::text || '/' ||
    (select oid from pg_database where datname = current_database()) as identity`;

/** A pooler gives out process numbers of its own: the server knows better. */
export async function probeUrl(url: string, driver: PgDriver | undefined): Promise<UrlFacts> {
  try {
    return await withClient(url, { driver }, async (client) => {
      const { rows } = await client.query(WHO);
      return {
        refused: undefined,
        pooler: rows[0]?.["pid"] !== client.processID,
        identity: String(rows[0]?.["identity"]),
      };
    });
  } catch (error) {
    return { refused: reasonOf(error), pooler: false, identity: undefined };
  }
}

/**
 * Opens a replication connection and closes it again. One that broke off says nothing of what is
 * allowed: the server may be going down. Then it is asked otherwise, and tried once more.
 * Rejects when the server does not answer.
 */
export async function probeReplication(
  url: string,
  driver: PgDriver | undefined,
): Promise<ReplicationFacts> {
  const first = await refusalOf(url, driver);
  if (first === undefined) return ALLOWED;
  let error: unknown = first;
  if (isUnavailable(error)) {
    await withClient(url, { driver }, (client) => client.query("select 1"));
    error = await refusalOf(url, driver);
    if (error === undefined) return ALLOWED;
  }
  return { refused: reasonOf(error), sqlstate: sqlstateOf(error) };
}

const ALLOWED: ReplicationFacts = { refused: undefined, sqlstate: undefined };

async function refusalOf(url: string, driver: PgDriver | undefined): Promise<Error | undefined> {
  try {
    await withClient(url, { driver, replication: "database" }, (client) =>
      client.query("IDENTIFY_SYSTEM"),
    );
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

interface Extra {
  readonly driver: PgDriver | undefined;
  readonly replication?: "database";
}

async function withClient<T>(
  url: string,
  { driver, ...extra }: Extra,
  work: (client: ProbeClient) => Promise<T>,
): Promise<T> {
  const { applicationName: _given, ...parts } = parseUrl(url);
  const Client = loadDriver(driver).Client as unknown as new (config: object) => ProbeClient;
  const client = new Client({
    ...parts,
    ...extra,
    application_name: "hasten preflight",
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
  });
  client.on("error", () => undefined);
  return untraced(async () => {
    try {
      await client.connect();
      return await work(client);
    } finally {
      await Promise.race([client.end().catch(() => undefined), soon(client)]);
    }
  });
}

/** A connection that does not end by itself is cut. */
function soon(client: ProbeClient): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => {
      client.connection?.stream?.destroy();
      resolve();
    }, 1_000).unref();
  });
}
