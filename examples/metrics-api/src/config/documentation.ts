/** `--help` and `.env.example`, written from the table of settings. */
import { type SettingText, textOf } from "./setting.ts";
import { settings } from "./settings.ts";

const USAGE = `metrics-api: a metrics-definition API on PostgreSQL, answered from hasten's cache

Usage: npm start -- [options]

Options:
  --processes N   N processes share the port and one embedded server (also: PROCESSES)
  --no-traffic    no demo traffic (there is none yet)
  --help          this text

Another command: npm run user:add -- <email> <viewer|editor|admin>

Environment (also read from examples/metrics-api/.env and .env, which lose against variables that are set):
`;

interface Documented extends SettingText {
  readonly name: string;
}

function groups(): readonly (readonly [string, readonly Documented[]])[] {
  const all = Object.entries(settings.shape).map(([name, schema]) => ({ name, ...textOf(schema) }));
  return [...new Set(all.map((it) => it.group))].map(
    (group) => [group, all.filter((it) => it.group === group)] as const,
  );
}

const described = (it: Documented): string =>
  `${it.about}: ${it.allowed}${it.otherwise && ` [${it.otherwise}]`}`;

export function helpText(): string {
  const lines = groups().flatMap(([group, list]) => [
    `\n${group}`,
    ...list.map((it) => `  ${it.name.padEnd(24)}${described(it)}`),
  ]);
  return `${USAGE}${lines.join("\n")}\n`;
}

export function envExample(): string {
  const lines = groups().flatMap(([group, list]) => [
    `\n# ${group}`,
    ...list.flatMap((it) => [`# ${described(it)}`, `# ${it.name}=${exampleOf(it)}`]),
  ]);
  return `# The settings of metrics-api. Copy to .env and change; what is not set has its default.\n${lines.join("\n")}\n`;
}

const exampleOf = (it: Documented): string => (/\s/.test(it.otherwise) ? "" : it.otherwise);
