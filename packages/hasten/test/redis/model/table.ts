/** What the model showed, as the tables of docs/redis-chaos.md; and each mutant's shortest way. */
import { type Explored, explore } from "./explore.ts";
import { MUTANTS, type Mutant, NOTHING_WRONG } from "./mutants.ts";
import { EXPOSED_BY, SETTINGS, settingNamed, WIDE_SETTINGS } from "./settings.ts";

export interface ModelReport {
  readonly sound: readonly (Explored & { readonly name: string })[];
  readonly mutants: readonly (Explored & { readonly name: Mutant })[];
}

/** @param wide the large ones as well: about half a minute */
export function modelReport(wide: boolean, onDone: (line: string) => void): ModelReport {
  const sound = [...SETTINGS, ...(wide ? WIDE_SETTINGS : [])].map((setting) => {
    const explored = explore(setting, NOTHING_WRONG);
    onDone(line(setting.name, explored));
    return { name: setting.name, ...explored };
  });
  const mutants = (Object.keys(MUTANTS) as Mutant[]).map((name) => {
    const explored = explore(settingNamed(EXPOSED_BY[name]), new Set([name]));
    onDone(line(name, explored));
    return { name, ...explored };
  });
  return { sound, mutants };
}

function line(name: string, { states, because, trace }: Explored): string {
  const found = because === undefined ? "nothing stale" : because;
  return [`  ${name}: ${states} states, ${found}`, ...trace.map((step) => `      ${step}`)].join(
    "\n",
  );
}

export function soundRows({ sound }: ModelReport): string[][] {
  return sound.map(({ name, states, violations }) => [name, number(states), String(violations)]);
}

export function mutantRows({ mutants }: ModelReport): string[][] {
  return mutants.map(({ name, states, trace, because = "**not found**" }) => [
    name,
    MUTANTS[name],
    EXPOSED_BY[name],
    number(states),
    String(trace.length),
    because,
  ]);
}

const number = (value: number): string => value.toLocaleString("en-US");
