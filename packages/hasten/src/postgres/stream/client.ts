/** Connections of the stream, made with the optional driver `pg`. */
import { loadDriver, type PgDriver } from "../driver.ts";
import { parseUrl } from "../url.ts";

export interface Submitted {
  submit(connection: WireConnection): void;
  handleError(error: Error): void;
  handleReadyForQuery(): void;
  handleCommandComplete(): void;
  handleCopyData(): void;
}

/** The part of the driver's connection that is used here. */
export interface WireConnection {
  readonly stream: { readonly destroyed: boolean; unref?(): void; destroy(): void };
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  /** Says goodbye. The client's own `end` cuts a connection that is in use instead. */
  end(): void;
  on(event: "copyData", listener: (message: { readonly chunk: Buffer }) => void): unknown;
  once(event: "replicationStart", listener: () => void): unknown;
}

export type TextRow = readonly (string | null)[];

export interface WireClient {
  readonly connection: WireConnection;
  readonly processID: number | null;
  connect(): Promise<unknown>;
  query(statement: {
    readonly text: string;
    readonly values?: readonly unknown[];
    readonly name?: string;
    readonly rowMode: "array";
  }): Promise<{ readonly rows: readonly TextRow[] }>;
  query(submitted: Submitted): unknown;
  query(text: string): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>;
  on(event: "error" | "end", listener: (error?: Error) => void): unknown;
}

export interface ConnectionOptions {
  /** A direct URL: no pooler in between. */
  readonly url: string;
  readonly driver: PgDriver | undefined;
}

const CONNECT_MS = 5_000;
const CLOSE_MS = 2_000;

/** Keeps no process alive. Its `error` is always listened to. */
export async function connect(
  { url, driver }: ConnectionOptions,
  applicationName: string,
  replication: boolean,
): Promise<WireClient> {
  const { applicationName: _given, ...parts } = parseUrl(url);
  const Client = loadDriver(driver).Client as unknown as new (config: object) => WireClient;
  const client = new Client({
    ...parts,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    ...(replication && { replication: "database" }),
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    client.connection.stream.destroy();
    throw error;
  }
  client.connection.stream.unref?.();
  return client;
}

/** Waits until the server has let go, so that its slot and session are gone; not for one that hangs. */
export async function disconnect(client: WireClient): Promise<void> {
  const gone = Promise.withResolvers<void>();
  if (client.connection.stream.destroyed) return;
  client.on("end", () => gone.resolve());
  const timer = setTimeout(() => {
    client.connection.stream.destroy();
    gone.resolve();
  }, CLOSE_MS);
  client.connection.end();
  await gone.promise;
  clearTimeout(timer);
}
