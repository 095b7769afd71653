import type { Cache } from "hasten/cache";
import type { RequestsOptions, ResponseCache } from "hasten/express";
import type { CoherenceStatus, Database } from "hasten/postgres";

/** Where the rows are. It can move between two servers while in use. */
export interface ApiStorage {
  /** The database in use now: asked for each request, never kept. */
  current(): Database;
  readonly mode: StorageMode;
  /** Every write goes through here: a switch waits for those in progress and holds new ones. */
  write<T>(work: (db: Database) => Promise<T>): Promise<T>;
  switchTo(mode: StorageMode): Promise<SwitchOutcome>;
  status(): StorageStatus;
  /** What is promised of answers cached from the database in use. */
  coherence(): CoherenceStatus;
}

export type StorageMode = "local" | "postgres";

export interface StorageStatus {
  readonly mode: StorageMode;
  readonly switching: boolean;
  readonly inFlightWrites: number;
}

export type SwitchOutcome =
  | {
      readonly kind: "switched";
      readonly from: StorageMode;
      readonly to: StorageMode;
      readonly rows: number;
      readonly tookMs: number;
    }
  | { readonly kind: "unchanged"; readonly mode: StorageMode }
  | {
      readonly kind: "refused";
      readonly status: 409 | 422 | 503;
      readonly reason: string;
      readonly detail: string;
    };

export interface ApiConfig {
  /** Signs tokens (HS256). At least 32 bytes. */
  readonly jwtSecret: string;
  /** Sign page cursors: the first signs, every one verifies. */
  readonly cursorKeys: readonly { readonly id: string; readonly secret: string }[];
  /** How long a cached list is fresh; a single document twice as long. @default 300_000 */
  readonly listTtlMs?: number;
}

export interface ApiLog {
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

export interface ApiDeps {
  readonly storage: ApiStorage;
  readonly cache: Cache;
  readonly responseCache: ResponseCache;
  readonly config: ApiConfig;
  readonly log: ApiLog;
  /** True once the process has begun to stop: `/readyz` then answers 503. */
  readonly isDraining?: () => boolean;
  /** The one that `cache` and coherence go by. @default the system's */
  readonly clock?: RequestsOptions["clock"];
}
