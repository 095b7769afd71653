import { HastenError } from "../../core/errors.ts";

export const optionInvalid = (name: string, allowed: string, got: unknown): HastenError =>
  new HastenError(
    "HST_HTTP_OPTION",
    `${name} must be ${allowed}, got ${String(got)} (${typeof got}).`,
    "Durations are milliseconds and sizes bytes, for example ttlMs: 60_000.",
  );

export const optionsContradict = (what: string, fix: string): HastenError =>
  new HastenError("HST_HTTP_POLICY", what, fix);

export const refreshTimedOut = (ms: number): HastenError =>
  new HastenError(
    "HST_HTTP_REFRESH_TIMEOUT",
    `A refresh in the background took longer than ${ms} ms.`,
    "The stale response stays in use. Raise refreshTimeoutMs, or make the route faster.",
  );

export const refreshTouched = (what: string): HastenError =>
  new HastenError(
    "HST_HTTP_REFRESH_TOUCHED",
    `The handler touched ${what}, which a refresh in the background does not have.`,
    "The route is now refreshed by its next visitor instead.",
  );
