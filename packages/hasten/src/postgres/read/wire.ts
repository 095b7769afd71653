/** The parts of the driver that reading in portions works with, below its `query()`. */
import type { PgClient } from "../driver.ts";

/** `client.connection`: sends single messages of the extended protocol. */
export interface Wire {
  parse(message: { readonly text: string }): void;
  bind(message: { readonly values: readonly string[] }): void;
  execute(message: { readonly portal: string; readonly rows: number }): void;
  close(message: { readonly type: "P"; readonly name: string }): void;
  flush(): void;
  sync(): void;
  once(event: "readyForQuery", listener: () => void): unknown;
  readonly stream: {
    cork(): void;
    uncork(): void;
    pause(): void;
    resume(): void;
  };
}

/** One column of an answer. */
export interface WireField {
  readonly name: string;
  readonly dataTypeID: number;
  readonly format?: string;
}

/** `pg.Query`: turns values into what goes over the wire, and sends parse, bind, describe and execute. */
interface DriverQuery {
  submit(wire: Wire): Error | null | undefined;
}

export type DriverQueryClass = new (config: {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly queryMode: "extended";
  readonly rows: number;
  readonly portal: string;
  readonly callback: (error: unknown) => void;
}) => DriverQuery;

/** A statement object of one's own, as `client.query` takes it. */
export interface Submittable {
  readonly text: string;
  readonly values: readonly unknown[];
  submit(wire: Wire): Error | null | undefined;
  handleError(error: unknown, wire: Wire): void;
  handleReadyForQuery(): void;
}

/** A client of the driver as reading needs it. */
export interface ReadingClient {
  query(statement: Submittable): unknown;
  getTypeParser(oid: number, format?: string): (text: string) => unknown;
  readonly constructor: { readonly Query: DriverQueryClass };
}

/** A checked-out client is one of these: `pg.Client`, or a class of its own that extends it. */
export const readingClient = (client: PgClient): ReadingClient =>
  client as unknown as ReadingClient;
