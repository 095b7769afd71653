/**
 * Decides whom to signal: facts and rules in, decisions out. Pure.
 *
 * Invariants:
 * - Nobody is signalled who was not found by an earlier look already, for whom a rule to leave holds,
 *   or who has not reached the limit of the very step.
 * - Steps go up: found (told), cancel, terminate. With a limit for both, terminate follows only when
 *   a cancel was sent at an earlier look; a session without a running statement has nothing to cancel.
 * - Each step once for one statement, transaction or wait; one signal for a session in one look.
 * - At most perMinute signals within 60 s, longest first; a dry run counts as the real one would.
 */
import type { SessionFinding } from "./facts.ts";
import { isActive } from "./find.ts";
import { LEAVE_RULES, type LeaveReason, type LeaveRule, reasonToLeave } from "./leave-rules.ts";
import type { PolicyKind, ResolvedPolicy } from "./policy.ts";

export type SessionAction = "cancel" | "terminate";

/** What one look decides for one finding. Nothing where no limit is reached. */
export type Decision =
  | { readonly kind: "act"; readonly finding: SessionFinding; readonly action: SessionAction }
  | {
      readonly kind: "leave";
      readonly finding: SessionFinding;
      readonly action: SessionAction;
      readonly because: LeaveReason;
    }
  | { readonly kind: "limited"; readonly finding: SessionFinding; readonly action: SessionAction };

export interface PlanInput {
  readonly findings: readonly SessionFinding[];
  readonly policy: ResolvedPolicy;
  readonly role: string;
  readonly ownPid: number;
  /** By finding: the steps taken at earlier looks. Absent: it is new. */
  readonly taken: ReadonlyMap<string, ReadonlySet<SessionAction>>;
  /** When the latest signals were sent. */
  readonly signalledAtMs: readonly number[];
  readonly nowMs: number;
}

export const RATE_WINDOW_MS = 60_000;

/** Decides for one look, longest first. */
export function plan(
  input: PlanInput,
  rules: readonly LeaveRule[] = LEAVE_RULES,
): readonly Decision[] {
  const { policy, taken, nowMs, signalledAtMs } = input;
  const recent = signalledAtMs.filter((atMs) => atMs > nowMs - RATE_WINDOW_MS).length;
  let left = policy.perMinute - recent;
  const acted = new Set<number>();
  const decisions: Decision[] = [];
  for (const finding of [...input.findings].sort((a, b) => b.forMs - a.forMs)) {
    const steps = taken.get(finding.id);
    if (steps === undefined || acted.has(finding.session.pid)) continue;
    const action = wanted(finding, policy, steps);
    if (action === undefined) continue;
    const because = reasonToLeave({ ...input, session: finding.session }, rules);
    if (because !== undefined) decisions.push({ kind: "leave", finding, action, because });
    else if (left <= 0) decisions.push({ kind: "limited", finding, action });
    else {
      left -= 1;
      acted.add(finding.session.pid);
      decisions.push({ kind: "act", finding, action });
    }
  }
  return decisions;
}

/** The next step whose limit is reached. */
function wanted(
  finding: SessionFinding,
  policy: ResolvedPolicy,
  taken: ReadonlySet<SessionAction>,
): SessionAction | undefined {
  if (finding.kind === "blocked") return undefined; // the one in its way is ended, not who waits
  const { cancelMs, terminateMs } = policy.limits[finding.kind satisfies PolicyKind];
  const cancels = cancelMs !== undefined && isActive(finding.session);
  if (cancels && !taken.has("cancel")) return finding.forMs >= cancelMs ? "cancel" : undefined;
  if (terminateMs === undefined || taken.has("terminate")) return undefined;
  return finding.forMs >= terminateMs ? "terminate" : undefined;
}
