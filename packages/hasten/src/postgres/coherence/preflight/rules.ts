/** Facts -> findings. */
import type { Finding } from "./finding.ts";
import type { PreflightFacts, Rule } from "./rule.ts";
import { SERVER_RULES } from "./server-rules.ts";
import { TABLE_RULES } from "./table-rules.ts";

const RULES: readonly Rule[] = [...SERVER_RULES, ...TABLE_RULES];

const SEVERITIES: readonly Finding["severity"][] = ["blocks", "narrows", "advises"];

/** Every finding, the most severe first. */
export function judge(facts: PreflightFacts): readonly Finding[] {
  const found = RULES.map((rule) => rule(facts)).filter((it) => it !== undefined);
  const rank = ({ severity }: Finding): number => SEVERITIES.indexOf(severity);
  return found.sort((a, b) => rank(a) - rank(b));
}
