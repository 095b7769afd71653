import { plannedSetup, setUp } from "../postgres/index.ts";
import { type Asked, EXIT, type Output } from "./contract.ts";

export async function setupCommand(asked: Asked, output: Output): Promise<number> {
  const { url, directUrl, publication, triggers, json, dryRun } = asked;
  const options = { url: directUrl ?? url, publication, triggers };
  if (dryRun) {
    const steps = await plannedSetup(options);
    const lines = steps.flatMap(({ sql }) => sql.map((statement) => `${statement};`));
    output.out(json ? `${JSON.stringify(steps, null, 2)}\n` : `${lines.join("\n")}\n`);
    return EXIT.fine;
  }
  const done = await setUp(options);
  if (json) output.out(`${JSON.stringify(done, null, 2)}\n`);
  else output.out(done.length === 0 ? "Nothing to do.\n" : `${done.join("\n")}\n`);
  return EXIT.fine;
}
