/** The parts of `pg` that are watched, as its clients, pools and queries have them. */

export interface WireMessage {
  readonly text?: string;
  readonly status?: string;
  readonly parameterName?: string;
  readonly parameterValue?: string;
}

/** `client.connection`: the wire. */
export interface Wire {
  prependListener(event: string, listener: (message: WireMessage) => void): unknown;
  removeListener(event: string, listener: (message: WireMessage) => void): unknown;
  readonly stream?: object;
  readonly parsedStatements?: Record<string, unknown>;
  parse(message: { readonly text: string }): void;
  bind(message: object): void;
  execute(message: object): void;
}

export type Callback = (error: unknown, result?: unknown) => void;

/** What `client.query` submits: `pg.Query`, a cursor, a query stream, a COPY stream. */
export interface DriverQuery {
  text?: unknown;
  values?: unknown;
  name?: unknown;
  callback?: Callback | undefined;
  query_timeout?: unknown;
  /** "extended": one statement, parameters apart. */
  queryMode?: unknown;
  submit(wire: Wire): Error | null | undefined;
  handleReadyForQuery(wire: Wire): void;
  handleError(error: unknown, wire: Wire): void;
  handleCommandComplete(message: WireMessage, wire: Wire): void;
  handleDataRow?(message: unknown): void;
  /** Of the driver's own statements: writes the messages up to Sync. */
  prepare?(wire: Wire): void;
}

export type QueryClass = new (config: unknown, values?: unknown, callback?: unknown) => DriverQuery;

export type QueryMethod = (config: unknown, values?: unknown, callback?: unknown) => unknown;
export type ConnectMethod = (callback?: (error?: unknown, ...rest: unknown[]) => void) => unknown;

export interface DriverClient {
  readonly connection: Wire;
  readonly processID?: number | null;
  readonly user?: string | null;
  readonly database?: string | null;
  readonly readyForQuery?: boolean;
  readonly _connected?: boolean;
  readonly _queryQueue?: readonly unknown[];
  readonly _Promise?: PromiseConstructor;
  query: QueryMethod;
  connect: ConnectMethod;
  getTransactionStatus?(): string | null;
  on(event: "error", listener: (error?: unknown) => void): unknown;
  once(event: "connect", listener: () => void): unknown;
  removeListener(event: "connect" | "error", listener: (error?: unknown) => void): unknown;
}

export type ClientClass = (new (
  config?: unknown,
) => DriverClient) & { readonly Query: QueryClass; readonly prototype: DriverClient };

export interface DriverPool {
  Client: ClientClass;
  readonly Promise?: PromiseConstructor;
  readonly _clients?: readonly DriverClient[];
  readonly totalCount: number;
  query: QueryMethod;
  connect: ConnectMethod;
}

export interface DriverModule {
  readonly Client: ClientClass;
  readonly Pool: new (options?: unknown) => DriverPool;
  readonly Connection: { readonly prototype: object };
}

export function isPool(target: object): target is DriverPool {
  return has(target, "query") && has(target, "connect") && "totalCount" in target;
}

export function isClient(target: object): target is DriverClient {
  return has(target, "query") && has(target, "connect") && "connection" in target;
}

export function isModule(target: object): target is DriverModule {
  return has(target, "Client") && has(target, "Pool") && !has(target, "connect");
}

const has = (target: object, name: string): boolean =>
  typeof (target as Record<string, unknown>)[name] === "function";
