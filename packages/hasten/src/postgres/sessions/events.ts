import type { FindingKind, SessionFinding } from "./facts.ts";
import type { SessionAction } from "./plan.ts";

/**
 * What became of one decision of the policy. `dry-run`: it would have been done. `signalled`: the
 * server took the signal. `gone`: between the look and the signal it ended, or began something else.
 * `left`: a rule protects it. `limited`: enough were signalled within a minute, it waits. `refused`:
 * the server does not let this role. `failed`: the server could not be asked.
 */
export type AuditOutcome =
  | "dry-run"
  | "signalled"
  | "gone"
  | "left"
  | "limited"
  | "refused"
  | "failed";

/** One line for an audit log. Holds no value of any statement. */
export interface SessionAudit {
  /** Wall clock. */
  readonly atMs: number;
  readonly action: SessionAction;
  readonly outcome: AuditOutcome;
  readonly because: string;
  readonly finding: FindingKind;
  readonly forMs: number;
  readonly pid: number;
  readonly role: string | undefined;
  readonly applicationName: string;
  readonly statement: string;
}

/** Payload of the channel `hasten:postgres:session`. */
export type SessionEvent =
  /** Seen for the first time. */
  | { readonly kind: "found"; readonly database: string; readonly finding: SessionFinding }
  /** Not seen any more, or not any more for that long. */
  | { readonly kind: "over"; readonly database: string; readonly finding: SessionFinding }
  | { readonly kind: "audit"; readonly database: string; readonly audit: SessionAudit }
  /** The server cannot be looked at, and why; tried again at every look. */
  | { readonly kind: "blind"; readonly database: string; readonly because: string }
  | { readonly kind: "seeing"; readonly database: string };
