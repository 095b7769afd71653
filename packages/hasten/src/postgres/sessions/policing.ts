import type { Run } from "../coherence/direct.ts";
import { PostgresError } from "../errors.ts";
import type { Lease } from "../lease.ts";
import { leaseOfSession } from "../own-leases.ts";
import type { AuditOutcome, SessionEvent } from "./events.ts";
import type { Look, SessionFinding } from "./facts.ts";
import type { ResolvedSessions } from "./options.ts";
import { type Decision, plan, RATE_WINDOW_MS, type SessionAction } from "./plan.ts";
import type { ResolvedPolicy } from "./policy.ts";
import { type SignalOutcome, signalSession } from "./signal.ts";

/** Carries out what `plan` decides, and keeps what was done. */
export interface Policing {
  decide(look: Look, findings: readonly SessionFinding[]): Promise<void>;
  /** The server could not be looked at: what was seen before counts no more. */
  forget(): void;
}

export interface PolicingParts {
  readonly options: ResolvedSessions;
  readonly run: Run;
  readonly server: string;
  readonly emit: (event: SessionEvent) => void;
}

/** Of one finding, from look to look. */
interface Kept {
  readonly taken: Set<SessionAction>;
  /** Outcomes told already that would otherwise be told at every look. */
  readonly told: Set<string>;
  /** The lease of this process that had the session, at the latest look. */
  lease: Lease | undefined;
}

export function createPolicing({ options, run, server, emit }: PolicingParts): Policing {
  const { policy, clock, database } = options;
  let kept: ReadonlyMap<string, Kept> = new Map();
  let signalledAtMs: number[] = [];

  const tellAudit = (decision: Decision, outcome: AuditOutcome, because: string): void => {
    const { finding, action } = decision;
    const { pid, role, applicationName, statement } = finding.session;
    emit({
      kind: "audit",
      database,
      audit: {
        ...{ atMs: clock.wallMs(), action, outcome, because, finding: finding.kind },
        ...{ forMs: finding.forMs, pid, role, applicationName, statement },
      },
    });
  };
  const tellOnce = (decision: Decision, outcome: "left" | "limited", because: string): void => {
    const told = kept.get(decision.finding.id)!.told;
    const key = `${decision.action} ${outcome} ${because}`;
    if (told.has(key)) return;
    told.add(key);
    tellAudit(decision, outcome, because);
  };
  const act = async (
    decision: Decision & { kind: "act" },
    resolved: ResolvedPolicy,
  ): Promise<void> => {
    const of = kept.get(decision.finding.id)!;
    of.taken.add(decision.action);
    signalledAtMs.push(clock.nowMs());
    const because = `${decision.finding.kind} for ${Math.round(decision.finding.forMs)} ms`;
    if (resolved.dryRun) return tellAudit(decision, "dry-run", because);
    const lease = leaseOfSession(server, decision.finding.session.pid);
    // The same lease at two looks at the same statement: it is this statement's.
    const own = lease !== undefined && lease === of.lease ? lease : undefined;
    const { action, finding } = decision;
    const outcome = await endSession({ run, policy: resolved, own }, action, finding);
    tellAudit(decision, ...audited(outcome, because));
  };

  return {
    forget() {
      kept = new Map();
    },
    async decide(look, findings) {
      if (policy === undefined) return;
      const nowMs = clock.nowMs();
      const taken = new Map([...kept].map(([id, of]) => [id, of.taken]));
      signalledAtMs = signalledAtMs.filter((atMs) => atMs > nowMs - RATE_WINDOW_MS);
      const { ownPid, role } = look.server;
      const input = { findings, policy, role, ownPid, taken, signalledAtMs, nowMs };
      const decisions = plan(input);
      for (const decision of decisions) {
        if (decision.kind === "leave") tellOnce(decision, "left", decision.because);
        else if (decision.kind === "limited")
          tellOnce(decision, "limited", `${policy.perMinute} signals within a minute are enough`);
        else await act(decision, policy);
      }
      kept = new Map(findings.map((finding) => [finding.id, keptOf(finding)]));
    },
  };

  function keptOf({ id, session }: SessionFinding): Kept {
    const lease = leaseOfSession(server, session.pid);
    const before = kept.get(id);
    return {
      taken: before?.taken ?? new Set(),
      told: before?.told ?? new Set(),
      lease: before === undefined || before.lease === lease ? lease : undefined,
    };
  }
}

export interface Ending {
  readonly run: Run;
  readonly policy: Pick<ResolvedPolicy, "roles" | "applicationNames">;
  readonly own: Lease | undefined;
}

/**
 * A session that this process has itself is taken from its caller first: the cancel goes by its lease,
 * and no other statement can begin in it. Terminating does that and ends it on the server, too.
 */
export async function endSession(
  { run, policy, own }: Ending,
  action: SessionAction,
  { session, kind, forMs }: Pick<SessionFinding, "session" | "kind" | "forMs">,
): Promise<SignalOutcome> {
  if (own === undefined) return signalSession(run, action, session, policy);
  const checked = await signalSession(run, "check", session, policy);
  if (checked.kind !== "signalled") return checked;
  own.abandon(endedByPolicy(kind, forMs));
  if (action === "cancel") return checked;
  // It may have ended by the abandoned lease already: then there is nothing left to signal.
  await signalSession(run, action, session, policy);
  return checked;
}

function audited(outcome: SignalOutcome, because: string): [AuditOutcome, string] {
  if (outcome.kind === "refused" || outcome.kind === "failed")
    return [outcome.kind, outcome.because];
  if (outcome.kind === "builds") return ["left", "it holds or awaits a lock of DDL"];
  return [outcome.kind, because];
}

const endedByPolicy = (kind: string, forMs: number): PostgresError =>
  new PostgresError("HST_PG_TIMEOUT", {
    message: `The session policy ended it: ${kind} for ${Math.round(forMs)} ms.`,
    fix: "Make it faster, mark it /* hasten: leave */, or raise the limits of sessions.policy.",
  });
