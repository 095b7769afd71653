/** A statement object of its own class, in the way of pg-cursor: two rows at a time from a portal. */
interface Wire {
  parse(message: object): void;
  bind(message: object): void;
  describe(message: object): void;
  execute(message: object): void;
  flush(): void;
  sync(): void;
}

export class PortalCursor {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly done: Promise<readonly (readonly string[])[]>;
  readonly #rows: string[][] = [];
  readonly #settle: PromiseWithResolvers<readonly (readonly string[])[]>;
  #error: unknown;

  constructor(text: string, values: readonly unknown[]) {
    this.text = text;
    this.values = values;
    this.#settle = Promise.withResolvers();
    this.done = this.#settle.promise;
  }

  submit(wire: Wire): null {
    wire.parse({ text: this.text });
    wire.bind({ portal: "p", values: this.values });
    wire.describe({ type: "P", name: "p" });
    this.#more(wire);
    return null;
  }

  #more(wire: Wire): void {
    wire.execute({ portal: "p", rows: 2 });
    wire.flush();
  }

  handleRowDescription(): void {}

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    this.#rows.push(fields.map(String));
  }

  handlePortalSuspended(wire: Wire): void {
    this.#more(wire);
  }

  handleCommandComplete(_message: object, wire: Wire): void {
    wire.sync();
  }

  // The server says nothing more until it is answered.
  handleError(error: unknown, wire: Wire): void {
    this.#error = error;
    wire.sync();
    this.#settle.reject(error);
  }

  handleReadyForQuery(): void {
    if (this.#error === undefined) this.#settle.resolve(this.#rows);
  }
}
