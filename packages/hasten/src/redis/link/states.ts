/** The state of a link, and who is told of it and of its calls. */
import { channels } from "../../core/channels.ts";
import type { Clock } from "../../core/clock.ts";
import { tell } from "../../core/tell.ts";
import type { RedisError, RedisErrorCode } from "../errors.ts";
import type { LinkState, LinkStateKind, RedisArgument } from "../types.ts";

/** Published on the channel `hasten:redis:event`. */
export type RedisEvent = RedisStateEvent | RedisCallEvent;

/** At every change of state. */
export interface RedisStateEvent {
  readonly kind: "state";
  /** Of the link. */
  readonly link: string;
  readonly driver: string;
  readonly state: LinkState;
  readonly before: LinkStateKind;
  /** Where it is connected; undefined while it is not. */
  readonly address: string | undefined;
}

/** At the end of every call, for logs at debug level. */
export interface RedisCallEvent {
  readonly kind: "call";
  readonly link: string;
  /** The command's or script's name: no keys, no values. */
  readonly command: string;
  readonly tookMs: number;
  /** Undefined where it was answered. */
  readonly code: RedisErrorCode | undefined;
}

export class States {
  readonly #link: { readonly name: string; readonly driver: string; readonly clock: Clock };
  readonly #listeners: Set<(state: LinkState) => void> = new Set();
  #state: LinkState;

  constructor(link: { readonly name: string; readonly driver: string; readonly clock: Clock }) {
    this.#link = link;
    this.#state = {
      kind: "connecting",
      because: undefined,
      sinceMs: link.clock.wallMs(),
      attempts: 0,
    };
  }

  get current(): LinkState {
    return this.#state;
  }

  /** An attempt that failed in the same state changes the reason and the count, not the time. */
  become(
    kind: LinkStateKind,
    because: string | undefined,
    of: { readonly attempts: number; readonly address?: string | undefined },
  ): void {
    const before = this.#state;
    if (before.kind === "closed") return;
    const sinceMs = before.kind === kind ? before.sinceMs : this.#link.clock.wallMs();
    const state: LinkState = { kind, because, sinceMs, attempts: of.attempts };
    this.#state = state;
    if (before.kind === kind && before.because === because) return;
    for (const listener of [...this.#listeners]) tell(listener, state);
    if (!channels.redisEvent.hasSubscribers) return;
    const { name: link, driver } = this.#link;
    const event: RedisStateEvent = {
      kind: "state",
      link,
      driver,
      state,
      before: before.kind,
      address: of.address,
    };
    channels.redisEvent.publish(event);
  }

  /** To be called at the end of a call; undefined while nobody listens. */
  startCall(
    name: RedisArgument | undefined,
  ): ((failed: RedisError | undefined) => void) | undefined {
    if (!channels.redisEvent.hasSubscribers) return undefined;
    const { clock, name: link } = this.#link;
    const startMs = clock.nowMs();
    return (failed) => {
      const event: RedisCallEvent = {
        kind: "call",
        link,
        command: String(name),
        tookMs: clock.nowMs() - startMs,
        code: failed?.code,
      };
      channels.redisEvent.publish(event);
    };
  }

  listen(listener: (state: LinkState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  forgetListeners(): void {
    this.#listeners.clear();
  }
}
