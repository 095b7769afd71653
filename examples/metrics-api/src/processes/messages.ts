/** What the parent and its workers tell each other. Of writes nothing: each worker reads changes from the database. */
import type { CoherenceStatus } from "hasten/postgres";
import type { StorageMode } from "../config/index.ts";
import type { Secrets } from "../lifecycle/secrets.ts";

export type ToWorker =
  | {
      readonly kind: "start";
      readonly mode: StorageMode;
      readonly databaseUrl: string;
      readonly secrets: Secrets;
    }
  | { readonly kind: "stop" };

export type ToParent =
  | { readonly kind: "ready"; readonly port: number; readonly coherence: CoherenceStatus }
  | { readonly kind: "failed"; readonly message: string };
