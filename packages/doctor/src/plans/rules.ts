import type { PlanRule } from "./types.ts";

/** Every rule, by number: docs/plan-findings.md has the same table for people. */
export const PLAN_RULES: readonly PlanRule[] = [];
