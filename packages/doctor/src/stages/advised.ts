import { advise } from "../choose/advise.ts";
import type { AdviseInput } from "../choose/input.ts";
import type { AdviceResult } from "../choose/types.ts";
import { DoctorError } from "../errors.ts";
import type { Resolved } from "../options.ts";

/**
 * Advice as `advise` gives it. Where the model ends on the way, by a function that never returns
 * say, it is advice without a planner, which is unverified, and a note tells why.
 */
export async function advised(
  input: AdviseInput,
  { onFault, signal }: Pick<Resolved, "onFault" | "signal">,
): Promise<AdviceResult> {
  try {
    return await advise(input);
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof DoctorError) || error.code !== "HST_DOCTOR_MODEL") throw error;
    onFault?.("model", error);
    const result = await advise({ ...input, planner: undefined, missing: [] });
    const note = `The what-if model ended too early: ${error.message}`;
    return { ...result, notes: [note, ...result.notes] };
  }
}
