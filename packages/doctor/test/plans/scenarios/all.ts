import type { Scenario } from "../scenario.ts";
import { buffers } from "./buffers.ts";
import { overhead } from "./overhead.ts";
import { predicates } from "./predicates.ts";
import { shapes } from "./shapes.ts";
import { visibility } from "./visibility.ts";

/** Each scenario of each rule; one file a topic. */
export const SCENARIOS: readonly Scenario[] = [
  ...visibility,
  ...buffers,
  ...predicates,
  ...overhead,
  ...shapes,
];
