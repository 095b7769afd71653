import { isUnavailable, reasonOf, sqlstateOf } from "../failures.ts";
import type { Surroundings } from "./conductor.ts";
import { openPart, type PartSurroundings } from "./open-part.ts";
import type { Finding } from "./preflight/finding.ts";
import { unreachable } from "./preflight/preflight.ts";
import { survey } from "./survey.ts";

/** The world as it is: what the conductor asks of it goes to the server. */
export function createSurroundings(around: PartSurroundings): Surroundings {
  const { direct, options } = around;
  return {
    survey: (own) => survey(direct, options, own),
    openPart: (promise) => openPart(promise, around),
    refusal: (promise, error) =>
      isUnavailable(error) && sqlstateOf(error) === undefined
        ? unreachable(error)
        : refused(promise, error),
  };
}

/** What preflight could not foresee, and trying showed. */
function refused(promise: Finding["stops"][number], error: unknown): Finding {
  return {
    id: "replication-refused",
    severity: "blocks",
    stops: [promise],
    says: `The server refused ${promise}: ${reasonOf(error)}.`,
    fix: "See the server's log; hasten tries again by itself.",
    sql: [],
    tables: [],
  };
}
