import { DoctorError } from "../errors.ts";
import type { Resolved } from "../options.ts";
import type { Coverage } from "../report/types.ts";

/** What one part found, or why it could not look. */
export type Tried<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly because: string };

/**
 * Runs a part so that its failure is a sentence in the report and the others go on; only an abort
 * and the session's end end them all.
 */
export async function tried<T>(
  part: string,
  options: Pick<Resolved, "signal" | "onFault">,
  work: () => Promise<T>,
): Promise<Tried<T>> {
  options.signal?.throwIfAborted();
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof DoctorError && error.code === "HST_DOCTOR_TARGET") throw error;
    options.onFault?.(part, error);
    return { ok: false, because: because(error) };
  }
}

/** Another's text may hold data, so it is not repeated. */
function because(error: unknown): string {
  if (error instanceof DoctorError) return error.message;
  return "an unexpected error; HASTEN_DEBUG=1 shows it";
}

export const unseen = (part: Coverage["part"], why: string): Coverage => ({
  part,
  share: 0,
  missing: [why],
});
