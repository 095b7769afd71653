/**
 * What is known of a pooler between this process and the server, and what is done there.
 *
 * Invariants:
 * - A pooler that was found is taken for one that gives every transaction another session, until its
 *   admin console or the program says otherwise: what needs a session is then refused or led around it.
 * - Found once is found for good: only what is safe on both is used from then on.
 * - Nothing that outlives a transaction is set on a session that others may get.
 */
import type { ResolvedPooler } from "./options.ts";

export type PoolerKind = "unknown" | "none" | "session" | "transaction";

export interface PoolerStatus {
  /** `unknown` until the first connection was made. */
  readonly kind: PoolerKind;
  /** In words: told by whom, or found how. */
  readonly because: string;
  /** Named prepared statements are sent under their names. */
  readonly keepsNames: boolean;
  /**
   * Where the limits of statements and idle transactions are kept: sent when a connection starts,
   * set on a session that is ours until it is closed, or in each transaction, single statements by a
   * timer here and a cancel request.
   */
  readonly limits: "start-up" | "session" | "transaction";
}

/** What an admin console told. */
export interface ToldByAdmin {
  readonly mode: "session" | "transaction";
  readonly keepsNames: boolean;
}

export interface Pooler {
  readonly kind: PoolerKind;
  /** Limits go into the start-up packet: a pooler refuses those that it does not know. */
  readonly sendsLimits: boolean;
  readonly keepsNames: boolean;
  /** New connections are asked whose process answers. */
  readonly asks: boolean;
  /** The numbers of the process that signed in and of the one that answers. */
  learned(signedIn: number | null, answering: number): void;
  /** The start-up packet was refused for a limit in it. True if the next one will be without. */
  refused(): boolean;
  /** The admin console is being asked; settles within its bound, whatever it says. */
  readonly settling: Promise<void> | undefined;
  /** Longest time for a statement outside a transaction: nobody else limits it there. */
  limitOf(timeoutMs: number): number;
  status(): PoolerStatus;
}

const TOLD = "the option pooler says so";
const BECAUSE = {
  unknown: "no connection was made yet",
  direct: "the process that signed in is the one that answers",
  other: "another process answers than the one that signed in",
  refused: "the start-up packet was refused for a setting that the server knows",
  admin: "its admin console says so",
} as const;

export interface PoolerSurroundings {
  readonly statementTimeoutMs: number;
  /** Told once when a pooler was found, in words. */
  onFound(because: string): void;
  /** Asks the admin console, where there is one to ask; rejects when it does not answer. */
  readonly askAdmin: (() => Promise<ToldByAdmin>) | undefined;
}

export function createPooler(options: ResolvedPooler, around: PoolerSurroundings): Pooler {
  const { statementTimeoutMs, onFound, askAdmin } = around;
  const fixed = options.mode !== "detect";
  let kind: PoolerKind = options.mode === "detect" ? "unknown" : options.mode;
  let because: string = fixed ? TOLD : BECAUSE.unknown;
  let adminKeepsNames = false;
  let settling: Promise<void> | undefined;
  const isPooled = (): boolean => kind === "transaction" || kind === "session";
  const told = ({ mode, keepsNames }: ToldByAdmin): void => {
    adminKeepsNames = keepsNames;
    if (fixed) return;
    kind = mode;
    because = BECAUSE.admin;
  };
  const found = (how: string): void => {
    if (isPooled()) return;
    kind = "transaction";
    because = how;
    // One that does not answer tells nothing: the least is taken for safe.
    settling = askAdmin?.().then(told, () => undefined);
    void (settling ?? Promise.resolve()).then(() => onFound(because));
  };
  if (isPooled()) settling = askAdmin?.().then(told, () => undefined);
  const self: Pooler = {
    get kind() {
      return kind;
    },
    get sendsLimits() {
      return !isPooled();
    },
    get keepsNames() {
      if (kind !== "transaction") return true;
      return options.keepsNames ?? adminKeepsNames;
    },
    get asks() {
      return !fixed && !isPooled();
    },
    learned(signedIn, answering) {
      if (fixed || isPooled()) return;
      if (signedIn !== answering) return found(BECAUSE.other);
      kind = "none";
      because = BECAUSE.direct;
    },
    refused() {
      if (fixed) return isPooled();
      found(BECAUSE.refused);
      return true;
    },
    get settling() {
      return settling;
    },
    limitOf: (timeoutMs) =>
      kind === "transaction" ? Math.min(timeoutMs, statementTimeoutMs) : timeoutMs,
    status: () => ({
      kind,
      because,
      keepsNames: self.keepsNames,
      limits: kind === "transaction" ? "transaction" : kind === "session" ? "session" : "start-up",
    }),
  };
  return self;
}
