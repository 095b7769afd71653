/** What the parent and its workers tell each other. */
import type { Invalidation } from "../api/index.ts";
import type { StorageMode } from "../config/index.ts";
import type { Secrets } from "../lifecycle/secrets.ts";

/** A write to tell the others of. `ticket` is the sender's own, and comes back when it is done. */
export interface Invalidate {
  readonly kind: "invalidate";
  readonly ticket: number;
  readonly invalidation: Invalidation;
}

/** Everyone the message was for has dropped what it names, or is not waited for any longer. */
export interface Done {
  readonly kind: "done";
  readonly ticket: number;
}

export type ToWorker =
  | {
      readonly kind: "start";
      readonly mode: StorageMode;
      readonly databaseUrl: string;
      readonly secrets: Secrets;
    }
  | Invalidate
  | Done
  | { readonly kind: "stop" };

export type ToParent =
  | { readonly kind: "ready"; readonly port: number }
  | { readonly kind: "failed"; readonly message: string }
  | Invalidate
  | Done;
