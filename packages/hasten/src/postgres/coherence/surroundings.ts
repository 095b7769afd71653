import type { CoherencePromise } from "../../core/trust.ts";
import { isUnavailable, reasonOf } from "../failures.ts";
import type { Surroundings } from "./conductor.ts";
import type { Direct } from "./direct.ts";
import type { ResolvedCoherence } from "./options.ts";
import { createOwnWrites } from "./own-writes.ts";
import { nothingPart, type Part } from "./parts.ts";
import type { Finding } from "./preflight/finding.ts";
import { type Audience, logReaching, reaching } from "./reaching.ts";
import type { DropTags } from "./source.ts";
import { survey } from "./survey.ts";

export interface SurroundingsParts {
  readonly direct: Direct;
  readonly drop: DropTags;
  readonly audience: Audience;
}

export function createSurroundings(
  options: ResolvedCoherence,
  { direct, drop, audience }: SurroundingsParts,
): Surroundings {
  const openPart = async (promise: CoherencePromise): Promise<Part> => {
    const nothing = nothingPart(options, "nothing is tracked in this mode");
    if (promise !== "own-writes") return { ...nothing, status: () => ({ state: "live" }) };
    const source = createOwnWrites({ ...options, drop, poll: async () => [] });
    return {
      promise,
      source: reaching(source, audience),
      log: logReaching(source.log, audience),
      analyzer: nothing.analyzer,
      status: () => ({ state: "live" }),
      handOver: async () => undefined,
      close: () => source.close(),
    };
  };
  return {
    survey: (streaming) => survey(direct, options, streaming ? 1 : 0),
    openPart,
    refusal: (_promise, error) => refusal(error),
  };
}

function refusal(error: unknown): Finding {
  const id = isUnavailable(error) ? "unreachable" : "replication-refused";
  return {
    id,
    severity: "blocks",
    stops: ["stream"],
    says: `The server could not be used: ${reasonOf(error)}.`,
    fix: "Check that it runs and can be reached; hasten tries again by itself.",
    sql: [],
    tables: [],
  };
}
