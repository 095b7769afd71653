import { HastenError } from "../../core/errors.ts";

export const policyContradicts = (what: string, fix: string): HastenError =>
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
