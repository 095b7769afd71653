/**
 * One client of the driver, watched.
 *
 * Invariants:
 * - Whose work a query is, is asked when `query` is called.
 * - A connection is open for its user once its role and settings were asked for.
 * - Everything that was put on the client goes again when it is no longer watched.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { untraced } from "../../core/trace/index.ts";
import { measuredClients } from "../measured-clients.ts";
import { carriage, inCallersContext, newTicket, takenTicket } from "./carry.ts";
import { CAUSES } from "./causes.ts";
import { Connection } from "./connection.ts";
import { REPLAYED_SQL } from "./facts.ts";
import { Gate } from "./gate.ts";
import { type Ask, learnFacts, openedAfter } from "./learn.ts";
import { unnoticed } from "./noticed.ts";
import { exemptSocket } from "./outbound.ts";
import { puttingBack } from "./put-back.ts";
import { type Follower, followedQuery, followForeign, valuesOf } from "./query.ts";
import type { Run, Ticket } from "./run.ts";
import type { Family } from "./session-state.ts";
import type {
  ClientClass,
  ConnectMethod,
  DriverClient,
  DriverQuery,
  QueryClass,
  QueryMethod,
  WireMessage,
} from "./shapes.ts";
import { isHeard, publish, type Watching } from "./watching.ts";

/** Clients that are watched now: what is left of the driver's is not. */
export const watchedClients: WeakSet<object> = new WeakSet<object>();

type Row = Readonly<Record<string, unknown>>;

export function watchClient(
  client: DriverClient,
  watching: Watching,
  family: Family,
): { release(): void } {
  const watched = new WatchedClient(client, watching, family);
  return { release: () => watched.release() };
}

class WatchedClient {
  readonly #client: DriverClient;
  readonly #watching: Watching;
  readonly #connection: Connection;
  readonly #gate: Gate;
  readonly #query: QueryMethod;
  readonly #connect: ConnectMethod;
  readonly #Query: QueryClass;
  readonly #Followed: ReturnType<typeof followedQuery>;
  readonly #ofPool: boolean;
  readonly #listeners: readonly (readonly [string, (message: WireMessage) => void])[];
  readonly #putBack: () => void;
  readonly #onOpen = (): void => {
    void this.#learn(false);
  };
  #learning: Promise<void> | undefined;
  #shields = 0;

  constructor(client: DriverClient, watching: Watching, family: Family) {
    this.#client = client;
    this.#watching = watching;
    this.#connection = new Connection(watching, family, (until) => this.#shield(until));
    this.#gate = new Gate(watching.patience);
    this.#query = unnoticed(client.query);
    exemptSocket(client.connection.stream);
    this.#connection.recorder.of(client);
    this.#connect = client.connect;
    this.#ofPool = family.ofPool;
    this.#Query = (client.constructor as unknown as ClientClass).Query;
    this.#Followed = followedQuery(this.#Query);
    this.#listeners = [
      ["readyForQuery", (message) => this.#connection.ready(message)],
      ["parameterStatus", (message) => this.#reported(message)],
      ["end", () => this.#connection.ended()],
    ];
    for (const [event, listen] of this.#listeners) client.connection.prependListener(event, listen);
    if (client._connected === true && client.getTransactionStatus?.() !== "I")
      this.#connection.state.joinTransaction();
    this.#putBack = puttingBack(client, ["query", "connect"]);
    client.query = (config, values, callback) => this.query(config, values, callback);
    client.connect = (callback) => this.connect(callback);
    watchedClients.add(client);
    // One that is connecting now is asked when it is open, before its caller goes on.
    if (client._connected !== true) client.once("connect", this.#onOpen);
    this.#learnLate();
  }

  release(): void {
    const client = this.#client;
    client.removeListener("connect", this.#onOpen);
    for (const [event, listen] of this.#listeners) client.connection.removeListener(event, listen);
    watchedClients.delete(client);
    this.#putBack();
  }

  connect(callback?: (error?: unknown, ...rest: unknown[]) => void): unknown {
    // The socket's events belong to nobody's trace, nor what a pool does to prepare a connection.
    const told = callback === undefined || this.#ofPool ? callback : inCallersContext(callback);
    if (told !== undefined)
      return untraced(() =>
        this.#connect.call(this.#client, (error, ...rest) => {
          if (error) return told(error, ...rest);
          void openedAfter(this.#client, this.#learn(false)).then(() => told(error, ...rest), told);
        }),
      );
    return untraced(() => this.#connect.call(this.#client) as Promise<unknown>).then(
      async (value) => {
        await openedAfter(this.#client, this.#learn(false));
        return value;
      },
    );
  }

  query(config: unknown, values?: unknown, callback?: unknown): unknown {
    if (config == null) return this.#query.call(this.#client, config, values, callback);
    const carried = takenTicket();
    const ticket = carried ?? newTicket(this.#connection.recorder.called(config, values));
    this.#learnLate();
    if (typeof (config as { submit?: unknown }).submit === "function")
      return this.#submitForeign(config as DriverQuery, { values, callback, ticket });
    const query = new this.#Followed(config, values, callback);
    const timeout = (config as { query_timeout?: unknown }).query_timeout;
    if (timeout) query.query_timeout = timeout;
    const told = query.callback;
    if (told !== undefined && told !== null && typeof told !== "function")
      throw new TypeError("callback is not a function");
    const follower = this.#follow(query, ticket, carried !== undefined);
    query.follower = follower;
    if (told) {
      if (carried === undefined) query.callback = inCallersContext(told);
      this.#send(query, follower);
      return undefined;
    }
    const PromiseClass = this.#client._Promise ?? Promise;
    return new PromiseClass((resolve, reject) => {
      query.callback = (error, result) => (error ? reject(error) : resolve(result));
      this.#send(query, follower);
    }).catch((error: unknown) => {
      // As the driver does: the stack leads to the caller, not to the socket.
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    });
  }

  /**
   * While an answer is held back the driver believes its client idle: a connection that is lost then
   * would end the process of a program that has no reason to listen. Its next statement is refused.
   */
  #shield(until: Promise<void>): void {
    if (this.#shields === 0) this.#client.on("error", unheard);
    this.#shields += 1;
    void until.then(() => {
      this.#shields -= 1;
      if (this.#shields === 0) this.#client.removeListener("error", unheard);
    });
  }

  #submitForeign(
    query: DriverQuery,
    { values, callback, ticket }: { values: unknown; callback: unknown; ticket: Ticket },
  ): unknown {
    const follower = this.#follow(query, ticket, false);
    const inContext = carriage.atPublicCall
      ? AsyncLocalStorage.snapshot()
      : <T>(work: () => T): T => work();
    followForeign(query, follower, { inContext, mayWait: query instanceof this.#Query });
    const later = (): void => this.#sendLater(query, follower, values, callback);
    // It may be used in other ways before it was sent, as if it were on the wire: it does not wait itself.
    if (this.#gate.holds(follower.run!, false, later)) return query;
    return this.#sendNow(query, follower, values, callback);
  }

  #follow(query: DriverQuery, ticket: Ticket, byPool: boolean): Follower {
    const { text, name } = textOf(query);
    const connection = this.#connection;
    const noText = CAUSES.noText;
    const run = connection.begin({
      text,
      values: valuesOf(query) ?? [],
      name,
      ticket,
      byPool,
      noText,
    });
    if (connection.state.standby && run.trace !== undefined) this.#askReplayed(run);
    return { connection, run, ended: this.#ended };
  }

  #send(query: DriverQuery, follower: Follower): void {
    const run = follower.run!;
    if (this.#gate.isOpen && run.analysis !== undefined) this.#sendNow(query, follower);
    else if (!this.#gate.holds(run, true, () => this.#sendLater(query, follower)))
      this.#sendNow(query, follower);
  }

  #sendLater(query: DriverQuery, follower: Follower, values?: unknown, callback?: unknown): void {
    try {
      this.#sendNow(query, follower, values, callback);
    } catch (error) {
      query.handleError(error, this.#client.connection);
    }
  }

  #sendNow(query: DriverQuery, { run }: Follower, values?: unknown, callback?: unknown): unknown {
    try {
      return this.#query.call(this.#client, query, values, callback);
    } catch (error) {
      run!.outcome = "unsent";
      this.#connection.finish(run!);
      throw error;
    }
  }

  readonly #ended = (run: Run): void => {
    this.#connection.recorder.ended(run);
    if (!isHeard()) return;
    const client = this.#client;
    if (measuredClients.has(client)) return;
    const durationMs = this.#watching.clock.nowMs() - run.calledMs;
    publish({ run, database: client.database ?? "", durationMs });
  };

  #reported({ parameterName, parameterValue }: WireMessage): void {
    if (parameterName === undefined || parameterValue === undefined) return;
    this.#connection.state.reported(parameterName, parameterValue);
  }

  /** A connection that was open already is asked as soon as it is free. */
  #learnLate(): void {
    const { _connected, readyForQuery, _queryQueue } = this.#client;
    const { state } = this.#connection;
    if (!state.inTransaction && state.pooler.mayBeOld(this.#watching.clock.nowMs()))
      this.#learning = undefined;
    if (this.#learning !== undefined || _connected !== true || readyForQuery !== true) return;
    if ((_queryQueue?.length ?? 0) === 0) void this.#learn(true);
  }

  /** Asks once. */
  #learn(asFound: boolean): Promise<void> {
    if (this.#learning !== undefined) return this.#learning;
    // What waits in the driver's queue already would be sent before the question.
    if ((this.#client._queryQueue?.length ?? 0) > 0) {
      this.#connection.state.lose(CAUSES.beforeOpen);
      return Promise.resolve();
    }
    this.#learning = this.#askFacts(asFound);
    return this.#learning;
  }

  #askFacts(asFound: boolean): Promise<void> {
    const { state } = this.#connection;
    const signedIn = this.#client.processID;
    const ask: Ask = (text, tell) => this.#ask(text, tell);
    return learnFacts(ask, { state, watching: this.#watching, asFound, signedIn });
  }

  #askReplayed(run: Run): void {
    void this.#ask(REPLAYED_SQL, (row) => {
      run.replayed = String(row?.["replayed"] ?? "0/0");
    });
  }

  /** Tells before the driver sends what is next in its queue. Never rejects. */
  #ask(text: string, tell: (row: Row | undefined) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const query = new this.#Followed(text);
    query.follower = { connection: this.#connection, run: undefined, ended: () => undefined };
    query.callback = (error, result) => {
      tell(error ? undefined : (result as { rows: readonly Row[] }).rows[0]);
      resolve();
    };
    untraced(() => this.#query.call(this.#client, query));
    return promise;
  }
}

function unheard(): void {
  // The statement that follows tells.
}

function textOf(query: DriverQuery): { text: string | undefined; name: string | undefined } {
  // Cursors and query streams keep it on themselves or on what they wrap.
  const within = (query as { cursor?: DriverQuery }).cursor ?? query;
  const text = typeof query.text === "string" ? query.text : within.text;
  return {
    text: typeof text === "string" ? text : undefined,
    name: typeof query.name === "string" && query.name !== "" ? query.name : undefined,
  };
}
