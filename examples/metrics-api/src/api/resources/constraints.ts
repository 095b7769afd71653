import type { ProblemError } from "hasten/http";
import { PostgresError } from "hasten/postgres";
import { conflict, invalidBody } from "../http/problem.ts";

const REFERENCE = "objectives_domain_exists";

/** What each other constraint of the tables means to a client. */
const MEANINGS: Readonly<Record<string, () => ProblemError>> = {
  domains_name_unique: () =>
    conflict("Another domain has this name.", [{ field: "/name", message: "is taken" }]),
  users_email_unique: () =>
    conflict("Another user has this e-mail address.", [{ field: "/email", message: "is taken" }]),
};

/**
 * The problem a violated constraint stands for; undefined for any other error. A row that is still
 * referred to and a reference to no row violate the same constraint: `deleting` tells them apart.
 */
export function constraintProblem(error: unknown, deleting: boolean): ProblemError | undefined {
  if (!(error instanceof PostgresError) || error.constraint === undefined) return undefined;
  if (error.constraint !== REFERENCE) return MEANINGS[error.constraint]?.();
  return deleting
    ? conflict("Objectives refer to this domain: delete or move them first.")
    : invalidBody([{ field: "/domain_id", message: "must be the id of an existing domain" }]);
}
