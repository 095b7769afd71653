import type { Facts } from "../facts.ts";
import type { TraceFinding } from "../finding.ts";

/** A finding without what all rules have in common. */
export type Draft = Omit<TraceFinding, "trace" | "key">;

/**
 * Judges the facts. Pure, but for `claimed`: statements that a rule has told of, with the line, so that a
 * later one does not tell them again.
 */
export type Rule = (facts: Facts, claimed: Set<string>) => readonly Draft[];
