/**
 * Chooses the mode, replaces it when a better one can be had or the one in force cannot go on.
 *
 * Invariants:
 * - Exactly one part is in force; while none could be opened it is one that promises nothing.
 * - A part that leaves takes its trust with it: it is ended, and suspended at that instant, so that
 *   nothing captured under it is fresh afterwards.
 * - A mode that was opened and cannot be trusted yet does not take over from a weaker one, unless it
 *   was asked for by name: it comes into force once it is live.
 * - Where a tier is shared, what is read while no mode could be opened is not kept at all: it would be
 *   given out by processes that have one, for as long as it lives.
 * - At most one look at the server runs at a time. Nothing here rejects or throws for a server's sake.
 */
import type { Timer } from "../../core/clock.ts";
import { tell } from "../../core/tell.ts";
import { type CoherencePromise, instant } from "../../core/trust.ts";
import { chooseMode, PROMISES } from "./choice.ts";
import type { ResolvedCoherence } from "./options.ts";
import { nothingPart, type Part } from "./parts.ts";
import type { Finding } from "./preflight/finding.ts";
import { createRelay, type Relay } from "./relay.ts";
import type { CoherenceEvent, CoherenceState, CoherenceStatus } from "./types.ts";

/** What the conductor asks of the world. */
export interface Surroundings {
  /**
   * Looks at the server, sets up what it may, and judges. Never rejects.
   * @param own replication slots that this process holds
   */
  survey(own: number): Promise<readonly Finding[]>;
  /** Opens a mode; rejects when the server refuses it. */
  openPart(promise: CoherencePromise): Promise<Part>;
  /** What the refusal to open a mode means. */
  refusal(promise: CoherencePromise, error: unknown): Finding;
}

/** A mode in force that was lost for this long is looked into. */
const LOST_LOOK_MS = 1_000;

export class Conductor {
  readonly relay: Relay;
  readonly #options: ResolvedCoherence;
  readonly #around: Surroundings;
  #part: Part;
  /** A mode was opened; otherwise `#part` stands in for one to come. */
  #ready = false;
  /** Opened, not live yet, and not in force. */
  #coming: Part | undefined;
  /** The mode asked for by name cannot be had on the server as it is. */
  #refused = false;
  #findings: readonly Finding[] = [];
  #because: string | undefined;
  #told: CoherenceState = "connecting";
  #sinceMs: number;
  #looking: Promise<void> | undefined;
  #timer: Timer | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: ResolvedCoherence, around: Surroundings) {
    this.#options = options;
    this.#around = around;
    this.#part = nothingPart(options, "the database was not reached yet", true);
    this.relay = createRelay(this.#part);
    this.#sinceMs = options.clock.wallMs();
    this.#plan();
  }

  get part(): Part {
    return this.#part;
  }

  status(): CoherenceStatus {
    const { trust, position } = this.#part.source;
    const ageMs = trust?.ageMs() ?? Number.POSITIVE_INFINITY;
    return {
      state: this.#state(),
      promise: this.#part.promise,
      boundMs: this.#options.boundMs,
      because: (this.#ready ? this.#part.status().because : undefined) ?? this.#because,
      confirmedAgoMs: Number.isFinite(ageMs) ? ageMs : undefined,
      position,
      findings: this.#findings,
      sinceMs: this.#sinceMs,
    };
  }

  /** Looks at the server now, and takes the best mode. */
  look(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#looking ??= this.#take().finally(() => {
      this.#looking = undefined;
      this.#lookedMs = this.#options.clock.nowMs();
      this.#tellState();
    });
    return this.#looking;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#looking;
    await this.#coming?.close();
    this.#because = "coherence was closed";
    await this.#replace(this.#nothing(this.#because), false);
    this.#tellState();
  }

  async #take(): Promise<void> {
    const own = [this.#part, this.#coming].map((part) => part?.status().slots ?? 0);
    this.#findings = await this.#around.survey(own[0]! + own[1]!);
    await this.#dropComing();
    for (let attempt = 0; attempt < PROMISES.length && !this.#closed; attempt++) {
      const unreachable = this.#findings.find((finding) => finding.id === "unreachable");
      if (unreachable?.severity === "blocks") {
        // A mode in force reconnects by itself: its trust says what may be served meanwhile.
        if (!this.#ready) this.#because = unreachable.says;
        return;
      }
      const choice = chooseMode(this.#options.mode, this.#findings);
      this.#because = choice.because;
      this.#refused = choice.promise === undefined;
      if (choice.promise === undefined) return this.#standIn();
      if (this.#ready && choice.promise === this.#part.promise) return;
      if (await this.#open(choice.promise)) return;
    }
  }

  async #open(promise: CoherencePromise): Promise<boolean> {
    const waited = this.#coming?.promise === promise ? this.#coming : undefined;
    try {
      const opened = waited ?? (await this.#around.openPart(promise));
      if (waited !== undefined) this.#coming = undefined;
      const { state, because } = opened.status();
      if (this.#closed) await opened.close();
      else if (state !== "lost" || this.#options.mode !== "auto") await this.#replace(opened, true);
      else {
        this.#coming = opened;
        this.#findings = [starting(promise, because), ...this.#findings];
        return false;
      }
      return true;
    } catch (error) {
      this.#findings = [this.#around.refusal(promise, error), ...this.#findings];
      return false;
    }
  }

  /** What is coming will not come, as the server is now. */
  async #dropComing(): Promise<void> {
    const coming = this.#coming;
    if (coming === undefined) return;
    if (!this.#findings.some(({ stops }) => stops.includes(coming.promise))) return;
    this.#coming = undefined;
    await coming.close();
  }

  /** The mode asked for by name cannot be had. */
  async #standIn(): Promise<void> {
    if (!this.#ready) return;
    await this.#replace(this.#nothing(this.#because ?? "it cannot be had"), false);
  }

  #nothing(because: string): Part {
    return nothingPart(this.#options, because, this.#options.shared !== undefined);
  }

  async #replace(next: Part, ready: boolean): Promise<void> {
    const old = this.#part;
    const ending = [old.source.trust, old.log.trust];
    this.#part = next;
    this.#ready = ready;
    this.relay.use(next, ready);
    for (const trust of ending) {
      trust?.end();
      trust?.suspend(instant(this.#options.clock));
    }
    this.#sinceMs = this.#options.clock.wallMs();
    if (ready) this.#tell({ kind: "mode", detail: next.promise });
    await old.close();
  }

  #state(): CoherenceState {
    if (this.#closed) return "closed";
    if (this.#ready) return this.#part.status().state;
    return this.#refused ? "unavailable" : "connecting";
  }

  #tellState(): void {
    const state = this.#state();
    if (state === this.#told) return;
    this.#told = state;
    this.#sinceMs = this.#options.clock.wallMs();
    const { because } = this.status();
    this.#tell({ kind: "state", detail: because === undefined ? state : `${state}: ${because}` });
  }

  #tell(event: CoherenceEvent): void {
    tell(this.#options.onEvent, event);
  }

  /** Looks again while something better may be had; a mode that was lost sooner. */
  #plan(): void {
    const { clock, retryMs } = this.#options;
    this.#timer = clock.schedule(Math.min(retryMs, LOST_LOOK_MS), () => {
      this.#tellState();
      const lost = this.#ready && this.#state() === "lost";
      const due = clock.nowMs() - this.#lookedMs >= retryMs;
      const came = this.#coming !== undefined && this.#coming.status().state !== "lost";
      void (lost || due || came ? this.look() : Promise.resolve()).finally(() => {
        if (!this.#closed) this.#plan();
      });
    });
  }
}

function starting(promise: CoherencePromise, because: string | undefined): Finding {
  return {
    id: "starting",
    severity: "blocks",
    stops: [promise],
    says: `The ${promise} is starting${because === undefined ? "" : `: ${because}`}.`,
    fix: "Nothing to do: it takes over once it is live. End transactions that have been open for long.",
    sql: ["SELECT pid, xact_start, query FROM pg_stat_activity WHERE backend_xid IS NOT NULL"],
    tables: [],
  };
}
