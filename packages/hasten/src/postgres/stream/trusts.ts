/**
 * The trust in force, and those before it whose values may still be served.
 *
 * Invariant: a value of an ended trust lives for at most boundMs after its capture; until then each own
 * write suspends that trust: nothing tells of what was written between its end and the next one.
 */
import type { Clock } from "../../core/clock.ts";
import { type Instant, Trust } from "../../core/trust.ts";
import type { StreamMutant } from "./types.ts";

export interface TrustsOptions {
  readonly boundMs: number;
  readonly clock: Clock;
  readonly mutant?: StreamMutant | undefined;
}

export class Trusts {
  readonly #options: TrustsOptions;
  #current: Trust;
  #retired: { readonly trust: Trust; readonly atMs: number }[] = [];

  /** Begins with an ended one. */
  constructor(options: TrustsOptions) {
    this.#options = options;
    this.#current = this.#make();
    this.#current.end();
  }

  get current(): Trust {
    return this.#current;
  }

  /** The one before it may have been taken for values until now. */
  renew(): void {
    const { clock, boundMs } = this.#options;
    const nowMs = clock.nowMs();
    this.#retired = this.#retired.filter(({ atMs }) => nowMs - atMs <= boundMs);
    this.#retired.push({ trust: this.#current, atMs: nowMs });
    this.#current = this.#make();
  }

  end(): void {
    this.#current.end();
  }

  suspend(at: Instant): void {
    this.#current.suspend(at);
    this.suspendRetired(at);
  }

  /**
   * For a write that the source in force has passed: it may have been made in the gap before, of
   * which nothing was told, and what an ended trust still lets live may be from before it.
   */
  suspendRetired(at: Instant): void {
    for (const { trust } of this.#retired) trust.suspend(at);
  }

  #make(): Trust {
    const { boundMs, clock, mutant } = this.#options;
    return mutant === "noHeartbeat"
      ? new UnaskedTrust("stream", boundMs, clock)
      : new Trust("stream", boundMs, clock);
  }
}

/** The mutant without heartbeats: trusts until an error is reported. For tests that must notice. */
class UnaskedTrust extends Trust {
  override get confirmed(): boolean {
    return !this.ended;
  }

  override ageMs(): number {
    return 0;
  }
}
