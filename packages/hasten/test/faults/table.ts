/** What each fault gives. docs/postgres.md shows this table; its test compares the two. */
export interface Fault {
  readonly error: string;
  readonly sqlstate: string | undefined;
  /** Whether failures of this kind, one after the other, open the breaker. */
  readonly breaker: "opens" | "stays closed";
  readonly unavailable: boolean;
}

const fault = (
  error: string,
  sqlstate: string | undefined,
  breaker: Fault["breaker"],
  unavailable = true,
): Fault => ({ error: `HST_PG_${error}`, sqlstate, breaker, unavailable });

export const FAULTS = {
  "server killed, a statement under way": fault("OUTCOME_UNKNOWN", undefined, "stays closed"),
  "server shut down, a statement under way": fault("OUTCOME_UNKNOWN", "57P01", "stays closed"),
  "server down": fault("UNAVAILABLE", undefined, "opens"),
  "server starting or shutting down": fault("UNAVAILABLE", "57P03", "opens"),
  "server full, or the role's own limit": fault("UNAVAILABLE", "53300", "opens"),
  "wrong password": fault("UNAVAILABLE", "28P01", "stays closed"),
  "unknown database": fault("UNAVAILABLE", "3D000", "stays closed"),
  "TLS asked for, the server has none": fault("UNAVAILABLE", undefined, "stays closed"),
  "TLS required by the server": fault("UNAVAILABLE", "28000", "stays closed"),
  "certificate not trusted": fault("UNAVAILABLE", undefined, "stays closed"),
  "host name not found": fault("UNAVAILABLE", undefined, "opens"),
  "network swallows, a statement under way": fault("TIMEOUT", undefined, "stays closed", false),
  "network swallows, connecting": fault("UNAVAILABLE", undefined, "opens"),
  "session ended by an administrator": fault("OUTCOME_UNKNOWN", "57P01", "stays closed"),
  "transaction idle for too long": fault("UNAVAILABLE", "25P03", "stays closed"),
  "server read-only after a failover": fault("STATEMENT", "25006", "stays closed", false),
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULTS;
