/** What is known of one session of the server at one look. Holds no value of any statement. */
export interface SessionFacts {
  readonly pid: number;
  /** Undefined where this role may not see it. */
  readonly role: string | undefined;
  readonly database: string | undefined;
  readonly applicationName: string;
  /** `client backend`, `walsender`, …; undefined where this role may not see the session. */
  readonly backendType: string | undefined;
  readonly state: string | undefined;
  /**
   * Which life, transaction and statement this was: the server's instants in microseconds since
   * 1970, compared for equality only. Undefined where there is none.
   */
  readonly instants: SessionInstants;
  /** Age of the transaction; undefined outside one. */
  readonly transactionMs: number | undefined;
  /** Since the latest statement began. */
  readonly statementMs: number | undefined;
  /** Since it is in this state. */
  readonly stateMs: number | undefined;
  /** The latest statement, normalised. */
  readonly statement: string;
  readonly text: TextTraits;
}

export interface SessionInstants {
  readonly backendStart: string | undefined;
  readonly transactionStart: string | undefined;
  readonly statementStart: string | undefined;
  readonly stateChange: string | undefined;
}

/** What the policy needs to know of a statement's text. */
export interface TextTraits {
  /** Only statements that read or write rows, or begin and end transactions. */
  readonly plain: boolean;
  /** It asks to be left alone. */
  readonly leave: boolean;
  /** The server kept only its beginning, and it holds more than one statement. */
  readonly severalCut: boolean;
}

/** A session that waits for a lock. */
export interface LockWait {
  readonly pid: number;
  /** Those it waits for, each once; 0 is a prepared transaction, which has no session. */
  readonly blockers: readonly number[];
  readonly waitedMs: number;
}

/** Connections of the whole server, and what this role may see and do. */
export interface ServerFacts {
  readonly ownPid: number;
  readonly role: string;
  readonly clients: number;
  /** max_connections less what is kept for administrators. */
  readonly clientsMax: number;
  /** Client sessions whose state this role may not see. */
  readonly hidden: number;
  readonly maySeeAll: boolean;
  readonly maySignal: boolean;
}

/** One look at the server. */
export interface Look {
  readonly server: ServerFacts;
  readonly sessions: readonly SessionFacts[];
  readonly waits: readonly LockWait[];
}

export type FindingKind = "idle-in-transaction" | "long-running" | "blocked" | "blocking";

/** Something that lasts too long. */
export interface SessionFinding {
  readonly kind: FindingKind;
  /** The same while it is the same statement, transaction or wait. */
  readonly id: string;
  readonly session: SessionFacts;
  /** How long it is idle, runs, waits, or keeps others waiting. */
  readonly forMs: number;
  /** `blocked`: whom it waits for, and at the end of that chain who waits for nobody. 0 is a prepared transaction. */
  readonly blockers: readonly number[];
  readonly roots: readonly number[];
  /** `blocking`: how many wait, directly or behind others. */
  readonly waiting: number;
  /** Where in this process the session was taken, if it is one of its checkouts. */
  readonly checkout: SessionCheckout | undefined;
}

/** A checkout of this process. */
export interface SessionCheckout {
  readonly heldMs: number;
  /** `file:line` of the application, where it was captured. */
  readonly line?: string | undefined;
  /** Name of the request or job, where there is one. */
  readonly trace?: string | undefined;
}
