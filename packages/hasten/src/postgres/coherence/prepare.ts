import type { PgDriver } from "../driver.ts";
import { createDirect } from "./direct.ts";
import { readFacts } from "./preflight/facts.ts";
import { publicationSteps, runSteps, type Step, triggerSteps } from "./setup.ts";

export interface PrepareOptions {
  /** A direct URL of a role that owns the tables. */
  readonly url: string;
  /** @default "hasten" */
  readonly publication?: string | undefined;
  /** The change log and its triggers instead of the publication. @default false */
  readonly triggers?: boolean | undefined;
  readonly driver?: PgDriver | undefined;
}

/** What would be created or changed now. Reads only. */
export async function plannedSetup(options: PrepareOptions): Promise<readonly Step[]> {
  return onOne(options, ({ steps }) => Promise.resolve(steps));
}

/**
 * Creates the publication, or the change log with its triggers, for the tables that this role
 * owns. Gives what was done, a line each; nothing when all is there.
 */
export async function setUp(options: PrepareOptions): Promise<readonly string[]> {
  return onOne(options, ({ run, steps }) => runSteps(run, steps));
}

interface Prepared {
  readonly run: ReturnType<typeof createDirect>["run"];
  readonly steps: readonly Step[];
}

async function onOne<T>(
  options: PrepareOptions,
  work: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  const { url, driver, publication = "hasten", triggers = false } = options;
  const direct = createDirect({ url, driver, applicationName: "hasten setup" });
  try {
    const facts = { ...(await readFacts(direct.run, publication)), publicationName: publication };
    const steps = triggers ? triggerSteps(facts) : publicationSteps(facts);
    return await work({ run: direct.run, steps });
  } finally {
    await direct.close();
  }
}
