/**
 * Whom a policy never touches, whatever its limits say. One row each; the first that holds is given
 * as the reason. Options can widen two of them (role, application), and switch off none.
 */
import type { SessionFacts } from "./facts.ts";
import type { ResolvedPolicy } from "./policy.ts";

export type LeaveReason =
  | "not visible"
  | "not a client"
  | "itself"
  | "hasten's own"
  | "a tool"
  | "another role"
  | "another application"
  | "asked to be left"
  | "not a plain statement"
  | "text cut short";

export interface Judged {
  readonly session: SessionFacts;
  readonly policy: Pick<ResolvedPolicy, "roles" | "applicationNames">;
  /** The role and the process id of the connection that signals. */
  readonly role: string;
  readonly ownPid: number;
}

export interface LeaveRule {
  readonly reason: LeaveReason;
  holds(judged: Judged): boolean;
}

/** Connections of hasten itself: coherence, leader, migrations, this one. */
const OWN_NAMES: readonly string[] = ["hasten ", "hasten-"];
/** Programs that dump, restore, maintain or replicate. */
const TOOLS =
  /^(?:pg_(?:dump|restore|basebackup|receivewal|recvlogical|repack|squeeze|upgrade|rewind|amcheck)|vacuumdb|reindexdb|clusterdb|pgbackrest|pgbackweb|barman|wal-g|walreceiver|logical replication|pglogical|slony)/i;

export const LEAVE_RULES: readonly LeaveRule[] = [
  {
    reason: "not visible",
    holds: ({ session: { backendType, state, role, instants } }) =>
      backendType === undefined ||
      state === undefined ||
      role === undefined ||
      instants.backendStart === undefined,
  },
  {
    reason: "not a client",
    holds: ({ session }) => session.backendType !== "client backend",
  },
  { reason: "itself", holds: ({ session, ownPid }) => session.pid === ownPid },
  {
    reason: "hasten's own",
    holds: ({ session }) => OWN_NAMES.some((name) => session.applicationName.startsWith(name)),
  },
  { reason: "a tool", holds: ({ session }) => TOOLS.test(session.applicationName) },
  {
    reason: "another role",
    holds: ({ session, role, policy }) =>
      session.role !== role && !policy.roles.includes(session.role ?? ""),
  },
  {
    reason: "another application",
    holds: ({ session, policy }) =>
      !policy.applicationNames.some((name) => session.applicationName.startsWith(name)),
  },
  { reason: "asked to be left", holds: ({ session }) => session.text.leave },
  { reason: "not a plain statement", holds: ({ session }) => !session.text.plain },
  { reason: "text cut short", holds: ({ session }) => session.text.severalCut },
];

/** Why this session is left alone, or undefined. */
export function reasonToLeave(
  judged: Judged,
  rules: readonly LeaveRule[] = LEAVE_RULES,
): LeaveReason | undefined {
  return rules.find((rule) => rule.holds(judged))?.reason;
}
