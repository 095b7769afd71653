/** What the parent and its workers tell each other. */
import type { Invalidation } from "../api/index.ts";
import type { StorageMode } from "../config/index.ts";
import type { Secrets } from "../lifecycle/secrets.ts";

export type ToWorker =
  | {
      readonly kind: "start";
      readonly mode: StorageMode;
      readonly databaseUrl: string;
      readonly secrets: Secrets;
    }
  | { readonly kind: "invalidate"; readonly invalidation: Invalidation }
  | { readonly kind: "stop" };

export type ToParent =
  | { readonly kind: "ready"; readonly port: number }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "invalidate"; readonly invalidation: Invalidation };
