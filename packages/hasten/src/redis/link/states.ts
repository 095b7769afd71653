/** The state of a link, and who is told of it. */
import { channels } from "../../core/channels.ts";
import type { Clock } from "../../core/clock.ts";
import { tell } from "../../core/tell.ts";
import type { LinkState, LinkStateKind } from "../types.ts";

/** Published on `channels.redisEvent` at every change of state. */
export interface RedisEvent {
  readonly kind: "state";
  /** Of the link. */
  readonly link: string;
  readonly driver: string;
  readonly state: LinkState;
  readonly before: LinkStateKind;
  /** Where it is connected; undefined while it is not. */
  readonly address: string | undefined;
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
    const event: RedisEvent = {
      kind: "state",
      link,
      driver,
      state,
      before: before.kind,
      address: of.address,
    };
    channels.redisEvent.publish(event);
  }

  listen(listener: (state: LinkState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  forgetListeners(): void {
    this.#listeners.clear();
  }
}
