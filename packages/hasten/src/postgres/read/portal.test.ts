import fc from "fast-check";
import { expect, test } from "vitest";
import { Portal, type PortalListener, type PortalRequest } from "./portal.ts";
import type { ReadingClient, Wire } from "./wire.ts";

/**
 * A server as the protocol describes it: answers what was sent in order, skips everything after an error
 * until Sync, and says ReadyForQuery once for each Sync.
 */
class Server {
  readonly sent: string[] = [];
  readonly told: string[] = [];
  #waiting: string[] = [];
  #skips = false;
  #onReady: (() => void)[] = [];
  #left: number;
  portal!: Portal<{ n: number }>;
  readonly wire: Wire;
  readonly client: ReadingClient;

  readonly rows: number;
  readonly failsAt: number;

  constructor(rows: number, failsAt: number) {
    this.rows = rows;
    this.failsAt = failsAt;
    this.#left = rows;
    const send = (message: string): void => {
      this.sent.push(message);
      this.#waiting.push(message);
    };
    this.wire = {
      parse: () => undefined,
      bind: () => undefined,
      execute: ({ rows: limit }) => send(limit === 0 ? "set" : "execute"),
      close: () => send("close"),
      flush: () => undefined,
      sync: () => send("sync"),
      once: (_event, listener) => this.#onReady.push(listener),
      stream: {
        cork: () => undefined,
        uncork: () => undefined,
        pause: () => undefined,
        resume: () => undefined,
      },
    };
    const Query = class {
      submit = (wire: Wire): undefined => wire.execute({ portal: "", rows: 10 }) as undefined;
    };
    this.client = {
      query: () => undefined,
      getTypeParser: () => Number,
      constructor: { Query },
    } as unknown as ReadingClient;
  }

  /** Answers the oldest message. False when there is none. */
  answer(): boolean {
    const message = this.#waiting.shift();
    if (message === undefined) return false;
    if (message === "sync") this.#ready();
    else if (this.#skips || message === "close") return true;
    else if (message === "set") this.portal.handleCommandComplete();
    else this.#execute();
    return true;
  }

  #execute(): void {
    if (this.#left === this.rows)
      this.portal.handleRowDescription({ fields: [{ name: "n", dataTypeID: 23 }] });
    for (let count = 0; count < 10 && this.#left > 0; count++) {
      const n = this.rows - this.#left;
      if (n === this.failsAt) {
        this.#skips = true;
        this.portal.handleError(new Error("refused"), this.wire);
        return;
      }
      this.#left -= 1;
      this.portal.handleDataRow({ fields: [String(n)] });
    }
    if (this.#left > 0) this.portal.handlePortalSuspended();
    else this.portal.handleCommandComplete();
  }

  #ready(): void {
    const afterError = this.#skips;
    this.#skips = false;
    for (const listener of this.#onReady.splice(0)) listener();
    if (!afterError) this.portal.handleReadyForQuery();
  }
}

type Make = (
  request: PortalRequest,
  client: ReadingClient,
  listener: PortalListener<{ n: number }>,
  wire: Wire,
) => Portal<{ n: number }>;

/** Reads through, asking for what `asks` says after each portion; `closes` ends it at that portion. */
function run(make: Make, rows: number, failsAt: number, closes: number): void {
  const server = new Server(rows, failsAt);
  const got: number[] = [];
  let [portions, isLastSeen, failures] = [0, false, 0];
  const listener: PortalListener<{ n: number }> = {
    portion(some, isLast) {
      portions += 1;
      expect(some.length).toBeLessThanOrEqual(10);
      got.push(...some.map((row) => row.n));
      isLastSeen = isLast;
      if (portions === closes) server.portal.close();
      else if (!isLast) server.portal.more();
    },
    failed: () => {
      failures += 1;
    },
    ready: () => server.told.push("ready"),
  };
  const request = { text: "select", values: [], rowsPerRead: 10, statementTimeoutMs: 1 };
  server.portal = make(request, server.client, listener, server.wire);
  server.portal.submit(server.wire);
  for (let steps = 0; steps < 1_000 && server.answer(); steps++);
  expect(server.told).toEqual(["ready"]);
  expect(server.sent.filter((message) => message === "sync")).toHaveLength(1);
  expect(server.sent.at(-1)).toBe("sync");
  expect(got).toEqual(Array.from({ length: got.length }, (_, index) => index));
  if (closes > 0 && portions >= closes) return;
  const fails = failsAt < rows;
  expect(failures).toBe(fails ? 1 : 0);
  expect(isLastSeen).toBe(!fails);
  if (!fails) expect(got).toHaveLength(rows);
}

const check = (make: Make): void =>
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 45 }),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 0, max: 6 }),
      (rows, failsAt, closes) => run(make, rows, failsAt, closes),
    ),
    { numRuns: 500, seed: 1 },
  );

test("one Sync, one ready, every row once and in order, whatever happens", () => {
  check((request, client, listener) => new Portal(request, client, listener));
});

/** Faults that such code has had: in drivers, and in drafts of this one. */
const MUTANTS: Readonly<Record<string, Make>> = {
  "closing sends a Sync of its own": (request, client, listener, wire) =>
    new (class extends Portal<{ n: number }> {
      override close(): void {
        wire.sync();
        super.close();
      }
    })(request, client, listener),
  "an error sends no Sync": (request, client, listener) =>
    new (class extends Portal<{ n: number }> {
      override handleError(error: unknown): void {
        listener.failed(error);
      }
    })(request, client, listener),
  "after an error, ready is expected from the driver": (request, client, listener, wire) =>
    new (class extends Portal<{ n: number }> {
      override handleError(error: unknown): void {
        wire.sync();
        listener.failed(error);
      }
    })(request, client, listener),
  "the answer of the setting is taken for the end": (request, client, listener) =>
    new (class extends Portal<{ n: number }> {
      override handleCommandComplete(): void {
        super.handleCommandComplete();
        super.handleCommandComplete();
      }
    })(request, client, listener),
  "a portion is asked for after the last": (request, client, listener) => {
    const made: Portal<{ n: number }> = new Portal(request, client, {
      ...listener,
      portion(rows, isLast) {
        listener.portion(rows, isLast && rows.length > 0 && rows.length < 10);
      },
    });
    return made;
  },
};

test.each(Object.keys(MUTANTS))("noticed: %s", (name) => {
  expect(() => check(MUTANTS[name]!)).toThrow();
});
