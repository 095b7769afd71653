import type { Scenario } from "../scenario.ts";
import { visibility } from "./visibility.ts";

/** Each scenario of each rule; one file a topic. */
export const SCENARIOS: readonly Scenario[] = [...visibility];
