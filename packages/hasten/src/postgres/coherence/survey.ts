import { tell } from "../../core/tell.ts";
import { reasonOf } from "../failures.ts";
import { createDirect, type Direct } from "./direct.ts";
import type { ResolvedCoherence } from "./options.ts";
import type { Finding } from "./preflight/finding.ts";
import { type Look, look } from "./preflight/preflight.ts";
import { publicationSteps, runSteps, type SetupFacts, triggerSteps } from "./setup.ts";

/** Looks at the server, creates what is allowed and missing, and looks again. Never rejects. */
export async function survey(
  direct: Direct,
  options: ResolvedCoherence,
  own: number,
): Promise<readonly Finding[]> {
  const about = { ...options, own };
  const first = await look(direct, about);
  if (!(await setUpMissing(first, options))) return first.findings;
  return (await look(direct, about)).findings;
}

/** True when something was tried: another process may have been faster, so look again either way. */
async function setUpMissing({ facts }: Look, options: ResolvedCoherence): Promise<boolean> {
  const { autoSetup, onEvent, directUrl, driver } = options;
  if (facts === undefined || autoSetup === false || facts.server.inRecovery) return false;
  const steps = stepsOf(facts, autoSetup);
  if (steps.length === 0) return false;
  const direct = createDirect({ url: directUrl, driver, applicationName: "hasten setup" });
  try {
    for (const detail of await runSteps(direct.run, steps))
      tell(onEvent, { kind: "setup", detail });
  } catch (error) {
    tell(onEvent, { kind: "setup", detail: `could not set up: ${reasonOf(error)}` });
  } finally {
    await direct.close();
  }
  return true;
}

/** A publication that nobody could read from is not created. */
function stepsOf(
  facts: SetupFacts & { readonly server: { readonly walLevel: string } },
  autoSetup: true | "triggers",
): ReturnType<typeof publicationSteps> {
  if (autoSetup === "triggers") return triggerSteps(facts);
  return facts.server.walLevel === "logical" ? publicationSteps(facts) : [];
}
