/**
 * One client of the driver whose statements are recorded.
 *
 * Invariants:
 * - Nothing is sent, held back or changed: the program gets what it would have got.
 * - What a watch records, or a Database on this client, is not recorded here.
 */
import type { Clock } from "../../core/clock.ts";
import { addLayer } from "../layers.ts";
import { measuredClients } from "../measured-clients.ts";
import { watchedClients } from "../watch/client.ts";
import type {
  Callback,
  ClientClass,
  DriverClient,
  DriverQuery,
  QueryClass,
  QueryMethod,
} from "../watch/shapes.ts";
import { askedNow, takenAsked, textOf } from "./asked.ts";
import { ClientTransactions } from "./client-transactions.ts";
import { follow, livingQuery } from "./observed-query.ts";
import { type Seat, StatementLife } from "./statement-life.ts";

export const observedClients: WeakSet<object> = new WeakSet<object>();

/** @returns how to end it */
export function observeClient(client: DriverClient, clock: Clock): () => void {
  if (observedClients.has(client)) return () => undefined;
  observedClients.add(client);
  const observed = new ObservedClient(client, clock);
  const takeAway = addLayer(client, "query", (below: QueryMethod): QueryMethod => {
    return function query(config, values, callback) {
      return observed.query(below, config, values, callback);
    };
  });
  return () => {
    observedClients.delete(client);
    takeAway();
  };
}

class ObservedClient implements Seat {
  readonly client: DriverClient;
  readonly clock: Clock;
  readonly transactions: ClientTransactions = new ClientTransactions();
  readonly application: string;
  readonly #Query: QueryClass | undefined;
  readonly #Living: ReturnType<typeof livingQuery> | undefined;

  constructor(client: DriverClient, clock: Clock) {
    this.client = client;
    this.clock = clock;
    this.application = applicationOf(client);
    this.#Query = (client.constructor as unknown as Partial<ClientClass>).Query;
    this.#Living = this.#Query === undefined ? undefined : livingQuery(this.#Query);
  }

  query(below: QueryMethod, config: unknown, values: unknown, callback: unknown): unknown {
    const { client } = this;
    // What another layer made a statement object of is recorded already.
    if (config == null || this.#Living === undefined || watchedClients.has(client))
      return below.call(client, config, values, callback);
    const life = this.#lifeOf(config, values);
    if (life === undefined) return below.call(client, config, values, callback);
    life.takenBy(this);
    if (typeof (config as { submit?: unknown }).submit === "function") {
      if (life.record !== undefined && !(config instanceof this.#Query!))
        life.record.streamed = true;
      follow(config as DriverQuery, life);
      return below.call(client, config, values, callback);
    }
    const query = new this.#Living(config, values, callback);
    const told = query.callback as Callback | undefined;
    if (told != null && typeof told !== "function")
      return below.call(client, config, values, callback);
    const timeout = (config as { query_timeout?: unknown }).query_timeout;
    if (timeout) query.query_timeout = timeout;
    query.life = life;
    if (told) return void below.call(client, query);
    return this.#promised(below, query);
  }

  #lifeOf(config: unknown, values: unknown): StatementLife | undefined {
    const laid = takenAsked();
    // A pool's own statement: no Database has the client.
    if (laid !== undefined && laid !== "unrecorded") return laid;
    if (measuredClients.has(this.client)) return undefined;
    const asked = laid ?? askedNow(this.clock, config, values);
    if (asked !== undefined && asked !== "unrecorded") return asked;
    // One that nobody records, in a transaction that somebody does.
    if (!this.transactions.isOpen) return undefined;
    const calledMs = this.clock.nowMs();
    return new StatementLife(textOf(config), { trace: undefined, record: undefined, calledMs });
  }

  /** As the driver does, which makes no promise for a statement object. */
  #promised(below: QueryMethod, query: DriverQuery): unknown {
    const PromiseClass = this.client._Promise ?? Promise;
    return new PromiseClass((resolve, reject) => {
      query.callback = (error, result) => (error ? reject(error) : resolve(result));
      below.call(this.client, query);
    }).catch(leadToCaller);
  }
}

/** The stack leads to the caller, not to the socket. */
function leadToCaller(error: unknown): never {
  if (error instanceof Error) Error.captureStackTrace(error);
  throw error;
}

function applicationOf(client: DriverClient): string {
  const { connectionParameters } = client as {
    connectionParameters?: { application_name?: unknown };
  };
  const name = connectionParameters?.application_name;
  return typeof name === "string" ? name : "";
}
