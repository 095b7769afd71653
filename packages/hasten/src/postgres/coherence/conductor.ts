/**
 * Chooses the mode, replaces it when a better one can be had or the one in force cannot go on.
 *
 * Invariants:
 * - Exactly one part is in force; while none could be opened it is one that promises nothing.
 * - A part that leaves takes its trust with it: it is ended, and suspended at that instant, so that
 *   nothing captured under it is fresh afterwards.
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
import type { CoherenceState, CoherenceStatus } from "./types.ts";

/** What the conductor asks of the world. */
export interface Surroundings {
  /** Looks at the server, sets up what it may, and judges. Never rejects. */
  survey(): Promise<readonly Finding[]>;
  /** Opens a mode; rejects when the server refuses it. */
  openPart(promise: CoherencePromise): Promise<Part>;
  /** What the refusal to open a mode means. */
  refusal(promise: CoherencePromise, error: unknown): Finding;
}

export interface Conductor {
  readonly relay: Relay;
  readonly part: Part;
  status(): CoherenceStatus;
  look(): Promise<void>;
  close(): Promise<void>;
}

export function createConductor(options: ResolvedCoherence, around: Surroundings): Conductor {
  const { clock, mode, onEvent, retryMs } = options;
  let part = nothingPart(options, "the database was not reached yet");
  let findings: readonly Finding[] = [];
  let because: string | undefined;
  let state: CoherenceState = "connecting";
  let sinceMs = clock.wallMs();
  let looking: Promise<void> | undefined;
  let timer: Timer | undefined;
  let closed = false;
  const relay = createRelay(part);

  const be = (next: CoherenceState): void => {
    if (next === state) return;
    state = next;
    sinceMs = clock.wallMs();
    tell(onEvent, { kind: "state", detail: because === undefined ? next : `${next}: ${because}` });
  };
  const replace = async (next: Part, ready: boolean): Promise<void> => {
    const old = part;
    const { trust } = old.source;
    part = next;
    relay.use(next, ready);
    trust?.end();
    trust?.suspend(instant(clock));
    old.log.trust.end();
    old.log.trust.suspend(instant(clock));
    if (next.promise !== old.promise || ready) {
      sinceMs = clock.wallMs();
      tell(onEvent, { kind: "mode", detail: next.promise });
    }
    await old.close();
  };
  const take = async (): Promise<void> => {
    findings = await around.survey();
    for (let attempt = 0; attempt < PROMISES.length && !closed; attempt++) {
      if (findings.some((finding) => finding.id === "unreachable")) return unreached();
      const choice = chooseMode(mode, findings);
      because = choice.because;
      if (choice.promise === undefined) return unavailable();
      if (relayReady && choice.promise === part.promise) return;
      try {
        const opened = await around.openPart(choice.promise);
        if (closed) return await opened.close();
        relayReady = true;
        await replace(opened, true);
        return;
      } catch (error) {
        findings = [around.refusal(choice.promise, error), ...findings];
      }
    }
  };
  let relayReady = false;
  const unreached = (): void => {
    // A mode in force reconnects by itself: its trust says what may be served meanwhile.
    if (!relayReady) because = findings[0]?.says;
  };
  const unavailable = async (): Promise<void> => {
    because = findings.find((finding) => finding.severity === "blocks")?.says;
    if (!relayReady) return;
    relayReady = false;
    await replace(nothingPart(options, because ?? "the mode asked for cannot be had"), false);
  };
  const stateNow = (): CoherenceState => {
    if (closed) return "closed";
    if (relayReady) return part.status().state;
    return findings.length > 0 && !findings.some((it) => it.id === "unreachable")
      ? "unavailable"
      : "connecting";
  };
  const look = (): Promise<void> => {
    looking ??= take()
      .then(() => be(stateNow()))
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };
  const plan = (): void => {
    if (closed) return;
    timer = clock.schedule(retryMs, () => {
      be(stateNow());
      const best = mode === "auto" ? PROMISES[0] : mode;
      const settled = relayReady && part.promise === best && part.status().state === "live";
      void (settled ? Promise.resolve() : look()).finally(plan);
    });
  };
  plan();
  return {
    relay,
    get part() {
      return part;
    },
    status: () => ({
      state: stateNow(),
      promise: part.promise,
      boundMs: options.boundMs,
      because: relayReady ? (part.status().because ?? because) : because,
      confirmedAgoMs: agoMs(part),
      position: part.source.position,
      findings,
      sinceMs,
    }),
    look: () => (closed ? Promise.resolve() : look()),
    async close() {
      if (closed) return;
      closed = true;
      timer?.cancel();
      await looking;
      relayReady = false;
      await replace(nothingPart(options, "coherence was closed"), false);
      be("closed");
    },
  };
}

function agoMs({ source }: Part): number | undefined {
  const ageMs = source.trust?.ageMs();
  return ageMs !== undefined && Number.isFinite(ageMs) ? ageMs : undefined;
}
