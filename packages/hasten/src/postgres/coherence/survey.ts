import { tell } from "../../core/tell.ts";
import { reasonOf } from "../failures.ts";
import { createDirect, type Direct } from "./direct.ts";
import type { ResolvedCoherence } from "./options.ts";
import type { Finding } from "./preflight/finding.ts";
import { type Look, look } from "./preflight/preflight.ts";
import { publicationSteps, runSteps, type Step, triggerSteps } from "./setup.ts";

const ATTEMPTS = 3;

/**
 * Looks at the server, creates what is allowed and missing, and looks again. Where several
 * processes do so at once, one is refused what the other made: it is told only if it stays missing.
 * Never rejects.
 */
export async function survey(
  direct: Direct,
  options: ResolvedCoherence,
  own: number,
): Promise<readonly Finding[]> {
  const about = { ...options, own };
  let refused: unknown;
  for (let attempt = 1; ; attempt++) {
    const seen = await look(direct, about);
    const steps = stepsOf(seen, options);
    if (steps.length === 0) return seen.findings;
    if (attempt > ATTEMPTS) {
      if (refused !== undefined)
        tell(options.onEvent, { kind: "setup", detail: `could not set up: ${reasonOf(refused)}` });
      return seen.findings;
    }
    refused = await setUp(steps, options);
  }
}

/** Gives the refusal, if there was one. */
async function setUp(steps: readonly Step[], options: ResolvedCoherence): Promise<unknown> {
  const { onEvent, directUrl, driver } = options;
  const direct = createDirect({ url: directUrl, driver, applicationName: "hasten setup" });
  try {
    for (const detail of await runSteps(direct.run, steps))
      tell(onEvent, { kind: "setup", detail });
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await direct.close();
  }
}

/** A publication that nobody could read from is not created. */
function stepsOf({ facts }: Look, { autoSetup }: ResolvedCoherence): readonly Step[] {
  if (facts === undefined || autoSetup === false || facts.server.inRecovery) return [];
  if (autoSetup === "triggers") return triggerSteps(facts);
  return facts.server.walLevel === "logical" ? publicationSteps(facts) : [];
}
