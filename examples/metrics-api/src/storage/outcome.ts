import type { StorageMode } from "../config/index.ts";

/** Why a switch did not happen; nothing was changed then. */
export interface Refused {
  readonly kind: "refused";
  readonly status: 409 | 422 | 503;
  readonly reason:
    | "no-target"
    | "busy"
    | "unreachable"
    | "attached"
    | "not-empty"
    | "not-usable"
    | "drain"
    | "copy-failed";
  readonly detail: string;
}

export interface Switched {
  readonly kind: "switched";
  readonly from: StorageMode;
  readonly to: StorageMode;
  readonly rows: number;
  readonly tookMs: number;
}

export type SwitchOutcome =
  | Switched
  | { readonly kind: "unchanged"; readonly mode: StorageMode }
  | Refused;

const STATUS: Readonly<Record<Refused["reason"], Refused["status"]>> = {
  "no-target": 422,
  busy: 409,
  unreachable: 503,
  attached: 409,
  "not-empty": 409,
  "not-usable": 422,
  drain: 503,
  "copy-failed": 503,
};

export const refused = (reason: Refused["reason"], detail: string): Refused => ({
  kind: "refused",
  status: STATUS[reason],
  reason,
  detail,
});

export const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === "")
    return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
};
