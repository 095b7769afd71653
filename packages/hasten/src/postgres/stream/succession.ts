/** The passing from one slot to the next, at a pulse that both read. */
import { PostgresError } from "../errors.ts";
import type { Item, Session } from "./session.ts";

const BUFFERED_MAX = 10_000;

export class Succession {
  readonly successor: Session;
  /** The first slot stops behind this pulse. */
  cut: string | undefined;
  readonly #passed = Promise.withResolvers<boolean>();
  #items: Item[] = [];
  #fromCount: number | undefined;

  constructor(successor: Session) {
    this.successor = successor;
  }

  /** False: it failed. */
  get passed(): Promise<boolean> {
    return this.#passed.promise;
  }

  /** The second slot reads; pulses beyond this number were sent since. */
  ready(pulseCount: number): void {
    this.#fromCount = pulseCount;
  }

  buffer(item: Item): void {
    if (this.#items.length >= BUFFERED_MAX) throw new Error("the first slot is too far behind");
    this.#items.push(item);
  }

  /** Whether the second slot is sure to read this pulse too. */
  cutsAt(content: string, instance: string): boolean {
    if (this.#fromCount === undefined || !content.startsWith(`${instance}:`)) return false;
    return Number(content.slice(instance.length + 1)) > this.#fromCount;
  }

  /** What the second slot read behind the cut, once both have reached it. */
  rest(): readonly Item[] | undefined {
    if (this.cut === undefined) return undefined;
    const at = this.#items.findIndex((it) => it.kind === "pulse" && it.content === this.cut);
    return at === -1 ? undefined : this.#items.slice(at + 1);
  }

  pass(): void {
    this.#passed.resolve(true);
  }

  fail(): void {
    this.#passed.resolve(false);
  }
}

export function notHandedOver(because: string, cause?: unknown): PostgresError {
  const text = {
    message: `The stream could not be handed over: ${because}.`,
    fix: "It goes on as it was, or reconnects by itself: try again once its status is live.",
  };
  return new PostgresError("HST_PG_STREAM", text, { cause });
}
