import type { ErrorRequestHandler } from "express";
import { ProblemError } from "hasten/http";
import { isUnavailable, PostgresError } from "hasten/postgres";
import type { ApiLog } from "../deps.ts";
import { unavailable } from "./problem.ts";

const RETRY_AFTER_MS = 1_000;

/**
 * Gives errors of the database their meaning: unreachable is 503 with Retry-After, and says so when
 * a write may or may not have happened. Everything unexpected is logged; what clients get is
 * rendered after this.
 */
export function databaseFailures(log: ApiLog): ErrorRequestHandler {
  return (error: unknown, req, _res, next) => {
    if (error instanceof ProblemError) return next(error);
    if (isOutcomeUnknown(error)) {
      return next(
        unavailable(
          "The database went away before it answered: a write may or may not have been made.",
          RETRY_AFTER_MS,
          error,
        ),
      );
    }
    if (isBusy(error)) {
      return next(unavailable("The storage is being switched.", RETRY_AFTER_MS, error));
    }
    if (isUnavailable(error)) {
      return next(unavailable("The database cannot be reached now.", RETRY_AFTER_MS, error));
    }
    if (!isClientError(error)) log.error("request failed", { method: req.method, error });
    return next(error);
  };
}

const isOutcomeUnknown = (error: unknown): boolean =>
  error instanceof PostgresError &&
  (error.code === "HST_PG_OUTCOME_UNKNOWN" || error.code === "HST_PG_TIMEOUT");

/** Storage refuses work for a moment while it is being switched. */
const isBusy = (error: unknown): boolean => error instanceof Error && error.name === "StorageBusy";

/** Errors of Express itself, such as a malformed escape in the path. */
function isClientError(error: unknown): boolean {
  const status = (error as { status?: unknown } | undefined)?.status;
  return typeof status === "number" && status < 500;
}
