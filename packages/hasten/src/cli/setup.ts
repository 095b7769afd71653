import { plannedSetup, preflight, preflightReport, setUp } from "../postgres/index.ts";
import { type Asked, EXIT, type Output } from "./contract.ts";

export async function setupCommand(asked: Asked, output: Output): Promise<number> {
  const { url, directUrl, publication, triggers, json, dryRun } = asked;
  const options = { url: directUrl ?? url, publication, triggers };
  if (dryRun) {
    const steps = await plannedSetup(options);
    const lines = steps.flatMap(({ sql }) => sql.map((statement) => `${statement};`));
    if (json) output.out(`${JSON.stringify(steps, null, 2)}\n`);
    else output.out(lines.length === 0 ? "-- nothing to do\n" : `${lines.join("\n")}\n`);
    return EXIT.fine;
  }
  const done = await setUp(options);
  if (json) output.out(`${JSON.stringify(done, null, 2)}\n`);
  else output.out(`${done.length === 0 ? NOTHING : done.join("\n")}\n${await nowPromised(asked)}`);
  return EXIT.fine;
}

const NOTHING = "Nothing to change: all is there, or belongs to another role.";

/** Setting up is one of several conditions: what is promised now, and where the rest is told. */
async function nowPromised({ url, directUrl, publication, triggers }: Asked): Promise<string> {
  const result = await preflight({ url, directUrl, publication });
  const [first] = preflightReport(result).split("\n", 1);
  const missing = result.findings.some(
    ({ severity, stops }) =>
      severity === "narrows" || stops.includes(triggers ? "triggers" : "stream"),
  );
  return `${first}\n${missing ? "What is missing: npx hasten preflight\n" : ""}`;
}
