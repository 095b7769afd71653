/**
 * The statement that a connection of `pg` sent last, without its values.
 *
 * Invariant: nothing of the text is worked on before somebody asks; a connection costs two functions, a
 * statement one assignment.
 */
import { addLayer } from "../layers.ts";
import { normalise } from "../normalise.ts";
import type { CheckoutReport } from "./types.ts";

interface Wire {
  query(text: unknown): unknown;
  parse(statement: unknown, more?: unknown): unknown;
  bind(config: unknown, more?: unknown): unknown;
  once?(event: "end", listener: () => void): unknown;
  removeListener?(event: "end", listener: () => void): unknown;
  readonly parsedStatements?: Readonly<Record<string, string>>;
}

/** What is asked of a client of `pg`; of another one nothing is known. */
interface Client {
  readonly connection?: Wire & { readonly stream?: { destroy(): void } };
  readonly readyForQuery?: boolean;
  readonly connectionParameters?: { readonly query_timeout?: unknown };
  getTransactionStatus?(): string | null;
  _getActiveQuery?(): { readonly callback?: unknown } | null | undefined;
}

export class Statements {
  readonly #last = new WeakMap<object, { text: string }>();
  readonly #undo = new Set<() => void>();

  /** Follows what the client sends from now on. */
  follow(client: object): void {
    if (this.#last.has(client)) return;
    const wire = (client as Client).connection;
    if (typeof wire?.query !== "function" || typeof wire.parse !== "function") return;
    const last = { text: "" };
    this.#last.set(client, last);
    const layers = [
      addLayer<Wire["query"]>(wire, "query", (below) => (text) => {
        if (typeof text === "string") last.text = text;
        return Reflect.apply(below, wire, [text]);
      }),
      addLayer<Wire["parse"]>(wire, "parse", (below) => (statement, more) => {
        const { text } = (statement ?? {}) as { text?: unknown };
        if (typeof text === "string") last.text = text;
        return Reflect.apply(below, wire, [statement, more]);
      }),
      addLayer<Wire["bind"]>(wire, "bind", (below) => (config, more) => {
        const { statement } = (config ?? {}) as { statement?: unknown };
        // Prepared before: it is not parsed again.
        if (typeof statement === "string" && statement !== "")
          last.text = wire.parsedStatements?.[statement] ?? last.text;
        return Reflect.apply(below, wire, [config, more]);
      }),
    ];
    const undo = (): void => {
      this.#undo.delete(undo);
      this.#last.delete(client);
      wire.removeListener?.("end", undo);
      for (const one of layers) one();
    };
    this.#undo.add(undo);
    wire.once?.("end", undo);
  }

  last(client: object): string | undefined {
    const text = this.#last.get(client)?.text;
    return text === undefined || text === "" ? undefined : normalise(text);
  }

  close(): void {
    for (const undo of this.#undo) undo();
  }
}

export function doing(client: object): CheckoutReport["doing"] {
  const { readyForQuery, getTransactionStatus } = client as Client;
  if (readyForQuery === undefined) return "unknown";
  if (isBusy(client)) return "statement";
  const status = getTransactionStatus?.call(client);
  if (status === "T" || status === "E") return "idle in transaction";
  return status === "I" ? "idle" : "unknown";
}

/** Whether the server has not answered everything that it was sent. */
export function isBusy(client: object): boolean {
  return (client as Client).readyForQuery === false;
}

/**
 * Whether a statement runs on whose caller was told that it took too long (`query_timeout` of the pool):
 * the driver then leaves a callback without parameters in its place.
 */
export function isAbandoned(client: object): boolean {
  const { connectionParameters, _getActiveQuery } = client as Client;
  if (!isBusy(client) || !connectionParameters?.query_timeout) return false;
  const callback = _getActiveQuery?.call(client)?.callback;
  return typeof callback === "function" && callback.length === 0;
}

/** Closes the socket: whatever waits for an answer fails. */
export function cutOff(client: object): void {
  (client as Client).connection?.stream?.destroy();
}
