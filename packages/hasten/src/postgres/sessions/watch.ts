/**
 * Looks at the sessions of the server from a connection outside the pool, and ends some if a policy
 * says so.
 *
 * Invariants:
 * - The connection is opened at the start and kept: it answers with the pool busy and the server full.
 *   When it is lost, that is told (`blind`), and it is tried again at every look; nothing is decided
 *   from an old look.
 * - One look at a time. Each finding is told once when it is seen first and once when it is over.
 * - No timer keeps the process alive; after `close` there is neither timer nor connection.
 */
import { channels } from "../../core/channels.ts";
import type { Timer } from "../../core/clock.ts";
import { tell } from "../../core/tell.ts";
import { untraced } from "../../core/trace/index.ts";
import { createDirect } from "../coherence/direct.ts";
import { held } from "../coherence/held.ts";
import { reasonOf, sqlstateOf } from "../failures.ts";
import { serverOf } from "../own-leases.ts";
import { parseUrl } from "../url.ts";
import type { SessionEvent } from "./events.ts";
import type { Look, ServerFacts, SessionFinding } from "./facts.ts";
import { findIn } from "./find.ts";
import { joined } from "./joined.ts";
import { lookAt } from "./look.ts";
import { type ResolvedSessions, resolveSessions, type SessionsOptions } from "./options.ts";
import { createPolicing } from "./policing.ts";

export interface SessionsStatus {
  /** `blind`: the latest look failed. */
  readonly state: "opening" | "seeing" | "blind" | "closed";
  /** Why it is blind, without host, user or password. */
  readonly because: string | undefined;
  /** Since the latest look that succeeded; undefined before the first. */
  readonly lookedAgoMs: number | undefined;
  /** Of the latest look: connections, and what this role may see and do. */
  readonly server: ServerFacts | undefined;
  /** What cannot be seen or done, each as a sentence. */
  readonly limits: readonly string[];
}

/** Made by {@link watchSessions}. */
export interface Sessions extends AsyncDisposable {
  /** Of the latest look, longest first. */
  findings(): readonly SessionFinding[];
  status(): SessionsStatus;
  /** Looks now; never rejects. With a policy it decides, too. */
  look(): Promise<SessionsStatus>;
  close(): Promise<void>;
}

/**
 * Watches the sessions of one database: idle in a transaction, running long, blocked and by whom.
 *
 * ```ts
 * const sessions = watchSessions({ url, onEvent: (event) => log.warn(event) });
 * ```
 * @throws HST_PG_OPTION for an option out of bounds, HST_PG_DRIVER without the package `pg`.
 */
export function watchSessions(given: SessionsOptions): Sessions {
  const options = resolveSessions(given);
  return untraced(() => watch(options));
}

function watch(options: ResolvedSessions): Sessions {
  const { clock, database, directUrl, driver } = options;
  const direct = createDirect({ url: directUrl, driver, applicationName: "hasten sessions" });
  const emit = (event: SessionEvent): void => {
    tell(options.onEvent, event);
    if (channels.sessionEvent.hasSubscribers) channels.sessionEvent.publish(event);
  };
  const server = serverOf(parseUrl(directUrl));
  const policing = createPolicing({ options, run: direct.run, server, emit });
  let state: SessionsStatus["state"] = "opening";
  let because: string | undefined;
  let latest: Look | undefined;
  let latestMs = 0;
  let findings: readonly SessionFinding[] = [];
  let looking: Promise<void> | undefined;
  let timer: Timer | undefined;

  const once = async (): Promise<void> => {
    try {
      const look = await lookAt(direct.run, options);
      if (state === "closed") return;
      latest = look;
      latestMs = clock.nowMs();
      if (state === "blind") emit({ kind: "seeing", database });
      state = "seeing";
      because = undefined;
      const now = findIn(look, options, joined(server, options.pools, latestMs));
      compare(findings, now, { database, emit });
      findings = now;
      await policing.decide(look, now);
    } catch (error) {
      if (state === "closed") return;
      because = blindReason(error);
      if (state !== "blind") emit({ kind: "blind", database, because });
      state = "blind";
      compare(findings, [], { database, emit });
      findings = [];
      policing.forget();
    }
  };
  const look = (): Promise<void> => {
    looking ??= untraced(once).finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const plan = (): void => {
    if (state === "closed") return;
    timer = clock.schedule(options.everyMs, () => void look().finally(plan));
  };
  const status = (): SessionsStatus => ({
    state,
    because,
    lookedAgoMs: latest === undefined ? undefined : clock.nowMs() - latestMs,
    server: latest?.server,
    limits: latest === undefined ? [] : limitsOf(latest.server, options, direct.processId),
  });
  const close = async (): Promise<void> => {
    state = "closed";
    timer?.cancel();
    findings = [];
    await held(direct.close());
  };
  void look().finally(plan);
  return {
    findings: () => findings,
    status,
    async look() {
      if (state !== "closed") await held(look());
      return status();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Tells what is new and what is over. */
function compare(
  before: readonly SessionFinding[],
  now: readonly SessionFinding[],
  { database, emit }: { readonly database: string; readonly emit: (event: SessionEvent) => void },
): void {
  const known = new Set(before.map(({ id }) => id));
  const still = new Set(now.map(({ id }) => id));
  for (const finding of before)
    if (!still.has(finding.id)) emit({ kind: "over", database, finding });
  for (const finding of now) if (!known.has(finding.id)) emit({ kind: "found", database, finding });
}

function blindReason(error: unknown): string {
  const full = sqlstateOf(error) === "53300";
  return full
    ? "the reserved connection was lost and the server has no free one (53300)"
    : reasonOf(error);
}

function limitsOf(
  server: ServerFacts,
  { policy }: ResolvedSessions,
  processId: number | undefined,
): readonly string[] {
  const limits: string[] = [];
  if (processId !== undefined && processId !== server.ownPid)
    limits.push(
      "A pooler is in between: nothing is seen while it is full, and no session is known as one of this process: pass directUrl.",
    );
  if (server.hidden > 0)
    limits.push(
      `${server.hidden} sessions of other roles are not visible to ${server.role}: grant pg_read_all_stats.`,
    );
  const others = policy?.roles.some((role) => role !== server.role);
  if (others && !server.maySignal)
    limits.push(`${server.role} may end its own sessions only: grant pg_signal_backend.`);
  return limits;
}
