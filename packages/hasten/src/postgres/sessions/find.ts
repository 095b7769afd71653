import type { LockWait, Look, SessionCheckout, SessionFacts, SessionFinding } from "./facts.ts";

export interface FindLimits {
  readonly idleInTransactionMs: number;
  readonly longRunningMs: number;
  readonly blockedMs: number;
}

/** Longest chain of waiting sessions that is followed to its roots. */
export const DEPTH_MAX = 20;

/** Says what of a look lasts too long, longest first. Pure. */
export function findIn(
  look: Look,
  limits: FindLimits,
  checkoutOf: (pid: number) => SessionCheckout | undefined = () => undefined,
): readonly SessionFinding[] {
  const sessions = new Map(look.sessions.map((session) => [session.pid, session]));
  const waits = new Map(look.waits.map((wait) => [wait.pid, wait]));
  const none = { blockers: [], roots: [], waiting: 0 };
  const found: Omit<SessionFinding, "checkout">[] = [];
  for (const session of look.sessions) {
    const { state = "", stateMs = 0, statementMs = 0 } = session;
    const wait = waits.get(session.pid);
    if (state.startsWith("idle in transaction") && stateMs >= limits.idleInTransactionMs)
      found.push({ ...idOf("idle-in-transaction", session), ...none, forMs: stateMs });
    // Who waits for a lock does not run long: it is blocked.
    if (isActive(session) && wait === undefined && statementMs >= limits.longRunningMs)
      found.push({ ...idOf("long-running", session), ...none, forMs: statementMs });
    if (wait !== undefined && wait.waitedMs >= limits.blockedMs) {
      const roots = rootsOf(wait, waits);
      const { blockers, waitedMs } = wait;
      found.push({ ...idOf("blocked", session), blockers, roots, waiting: 0, forMs: waitedMs });
    }
  }
  for (const [pid, { waiting, forMs }] of heldUp(look.waits, waits)) {
    const session = sessions.get(pid);
    if (session !== undefined && forMs >= limits.blockedMs)
      found.push({ ...idOf("blocking", session), ...none, waiting, forMs });
  }
  return found
    .map((finding) => ({ ...finding, checkout: checkoutOf(finding.session.pid) }))
    .sort((a, b) => b.forMs - a.forMs);
}

export const isActive = ({ state }: SessionFacts): boolean =>
  state === "active" || state === "fastpath function call";

function idOf(
  kind: SessionFinding["kind"],
  session: SessionFacts,
): Pick<SessionFinding, "kind" | "id" | "session"> {
  const { backendStart, transactionStart, statementStart, stateChange } = session.instants;
  const which =
    kind === "blocking"
      ? transactionStart
      : kind === "idle-in-transaction"
        ? stateChange
        : statementStart;
  return { kind, session, id: `${kind} ${session.pid} ${backendStart} ${which}` };
}

/** Who at the ends of the chains waits for nobody; none where the sessions wait in a circle. */
function rootsOf(wait: LockWait, waits: ReadonlyMap<number, LockWait>): readonly number[] {
  const roots = new Set<number>();
  const seen = new Set<number>([wait.pid]);
  let level: readonly number[] = wait.blockers;
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0; depth++) {
    const next: number[] = [];
    for (const pid of level) {
      if (seen.has(pid)) continue;
      seen.add(pid);
      const behind = waits.get(pid);
      if (behind === undefined) roots.add(pid);
      else next.push(...behind.blockers);
    }
    level = next;
  }
  return [...roots];
}

/** For each root: how many it keeps waiting, and the longest of their waits. */
function heldUp(
  all: readonly LockWait[],
  waits: ReadonlyMap<number, LockWait>,
): ReadonlyMap<number, { readonly waiting: number; readonly forMs: number }> {
  const held = new Map<number, { waiting: number; forMs: number }>();
  for (const wait of all)
    for (const root of rootsOf(wait, waits)) {
      const { waiting = 0, forMs = 0 } = held.get(root) ?? {};
      held.set(root, { waiting: waiting + 1, forMs: Math.max(forMs, wait.waitedMs) });
    }
  return held;
}
