import { candidatesFor } from "../candidates/candidates-for.ts";
import { understand } from "../candidates/understand.ts";
import { adviseOn } from "./advise-on.ts";
import type { AdviseInput } from "./input.ts";
import { withoutSamples } from "./samples.ts";
import type { AdviceResult } from "./types.ts";
import { weighed } from "./weigh.ts";

const BY_COST =
  "The file tells no times: what advice saves is counted by calls times the planner's cost.";

/**
 * From a workload to index advice: what each statement asks for, the indexes that could serve it,
 * their costs by the planner, the set that is worth its upkeep, and what can go. Reads the target
 * by plain EXPLAIN only.
 * @throws DoctorError HST_DOCTOR_TARGET when the session is gone, HST_DOCTOR_MODEL when the planner
 *   fails; the signal's reason when it is aborted
 */
export async function advise(asked: AdviseInput): Promise<AdviceResult> {
  asked.onProgress?.({ step: "reading statements" });
  const input = await weighed(asked);
  const { workload, catalog, parser } = input;
  const facts = workload.statements.map((statement) => understand(statement, catalog, parser));
  const candidates = withoutSamples(candidatesFor(facts, catalog), catalog, workload);
  input.signal?.throwIfAborted();
  const result = await adviseOn(input, { facts, candidates });
  return input === asked ? result : { ...result, notes: [BY_COST, ...result.notes] };
}
