/**
 * One client of the driver whose statements are recorded.
 *
 * Invariants:
 * - Nothing is sent, held back or changed: the program gets what it would have got.
 * - What a watch records, or a Database on this client, is not recorded here.
 */
import { channels } from "../../core/channels.ts";
import type { Clock } from "../../core/clock.ts";
import { addLayer } from "../layers.ts";
import type { QueryEvent } from "../measure.ts";
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
import { type Asked, askedNow, partsOf, takenAsked } from "./asked.ts";
import { ClientTransactions } from "./client-transactions.ts";
import { follow, type Life, livingQuery, rowsOf } from "./observed-query.ts";
import { bytesReadOf, recordEnded, recordSent } from "./record.ts";
import { shapeOf } from "./shape.ts";

export const observedClients: WeakSet<object> = new WeakSet<object>();

/** @returns how to end it */
export function observeClient(client: DriverClient, clock: Clock): () => void {
  if (observedClients.has(client)) return () => undefined;
  observedClients.add(client);
  const observed = new ObservedClient(client, clock);
  const takeAway = addLayer(client, "query", (below: QueryMethod): QueryMethod => {
    return function query(config, values, callback) {
      return observed.query(below, { config, values, callback });
    };
  });
  return () => {
    observedClients.delete(client);
    takeAway();
  };
}

interface Call {
  readonly config: unknown;
  readonly values: unknown;
  readonly callback: unknown;
}

class ObservedClient {
  readonly #client: DriverClient;
  readonly #clock: Clock;
  readonly #Query: QueryClass | undefined;
  readonly #transactions = new ClientTransactions();

  constructor(client: DriverClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#Query = (client.constructor as unknown as Partial<ClientClass>).Query;
  }

  query(below: QueryMethod, { config, values, callback }: Call): unknown {
    const client = this.#client;
    const pass = (): unknown => below.call(client, config, values, callback);
    const Query = this.#Query;
    // What another layer made a statement object of is recorded already.
    if (config == null || Query === undefined || watchedClients.has(client)) return pass();
    const laid = takenAsked();
    if (measuredClients.has(client)) return pass();
    const asked = laid === undefined ? askedNow(this.#clock, config, values) : laid.asked;
    if (asked === undefined && !this.#transactions.isOpen) return pass();
    const life = this.#lifeOf(asked ?? silent(this.#clock, config, values));
    if (typeof (config as { submit?: unknown }).submit === "function") {
      if (asked?.record !== undefined && !(config instanceof Query)) asked.record.streamed = true;
      follow(config as DriverQuery, life);
      return pass();
    }
    const Living = livingQuery(Query);
    const query = new Living(config, values, callback);
    const told = query.callback as Callback | undefined;
    if (told != null && typeof told !== "function") return pass();
    const timeout = (config as { query_timeout?: unknown }).query_timeout;
    if (timeout) query.query_timeout = timeout;
    query.life = life;
    if (told) return void below.call(client, query);
    const PromiseClass = client._Promise ?? Promise;
    return new PromiseClass((resolve, reject) => {
      query.callback = (error, result) => (error ? reject(error) : resolve(result));
      below.call(client, query);
    }).catch((error: unknown) => {
      // As the driver does: the stack leads to the caller, not to the socket.
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    });
  }

  #lifeOf(asked: Asked): Life {
    const client = this.#client;
    const { record, trace } = asked;
    const nowMs = (): number => this.#clock.nowMs();
    let wasSent = false;
    let isOver = false;
    return {
      sent: () => {
        wasSent = true;
        if (record === undefined) return;
        recordSent(record, nowMs(), bytesReadOf(client));
        record.application = applicationOf(client);
        this.#transactions.sent(record, trace?.queries);
      },
      ended: ({ completed, rows, error }) => {
        if (isOver) return;
        isOver = true;
        const count = Math.max(rows, rowsOf(completed));
        const database = client.database ?? "";
        const endedMs = nowMs();
        const bytesRead = record === undefined ? 0 : bytesReadOf(client);
        recordEnded(record, { nowMs: endedMs, bytesRead, rows: count, error, database });
        const failed = error !== undefined;
        if (this.#transactions.isOpen) {
          const lost = failed && wasSent && !isServers(error);
          const status = failed ? undefined : client.getTransactionStatus?.();
          const shape = record?.shape ?? shapeOf(asked.text);
          this.#transactions.ended(shape, { failed, lost, completed, status }, endedMs);
        }
        publish(asked, {
          durationMs: endedMs - asked.calledMs,
          rows: count,
          ok: !failed,
          database,
        });
      },
    };
  }
}

/** A statement that nobody records, in a transaction that somebody does. */
function silent(clock: Clock, config: unknown, values: unknown): Asked {
  const { text } = partsOf(config, values);
  return { text, trace: undefined, record: undefined, calledMs: clock.nowMs() };
}

type Told = Pick<QueryEvent, "durationMs" | "rows" | "ok" | "database">;

function publish({ text, trace }: Asked, told: Told): void {
  if (!channels.postgresQuery.hasSubscribers) return;
  const { statement } = shapeOf(text);
  const event: QueryEvent = { statement, ...told, trace, recorded: trace !== undefined };
  channels.postgresQuery.publish(event);
}

const isServers = (error: unknown): boolean =>
  typeof (error as { severity?: unknown } | null)?.severity === "string";

function applicationOf(client: DriverClient): string {
  const { connectionParameters } = client as {
    connectionParameters?: { application_name?: unknown };
  };
  const name = connectionParameters?.application_name;
  return typeof name === "string" ? name : "";
}
