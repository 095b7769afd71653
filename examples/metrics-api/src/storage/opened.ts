import type { CoherenceStatus, Database } from "hasten/postgres";

/** A database in use, and what keeps cached answers true to it. */
export interface Opened {
  readonly database: Database;
  /** What is promised of cached answers now. */
  coherence(): CoherenceStatus;
  /** Lets what runs finish, then leaves no connection and nothing on the server. */
  close(): Promise<void>;
}
