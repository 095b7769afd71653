import type { Scenario } from "../scenario.ts";
import { bitmaps } from "./bitmaps.ts";
import { buffers } from "./buffers.ts";
import { estimates, explosions } from "./estimates.ts";
import { joins } from "./joins.ts";
import { overhead } from "./overhead.ts";
import { predicates } from "./predicates.ts";
import { scans } from "./scans.ts";
import { shapes } from "./shapes.ts";
import { spills } from "./spills.ts";
import { subplans } from "./subplans.ts";
import { visibility } from "./visibility.ts";

/** Each scenario of each rule; one file a topic. */
export const SCENARIOS: readonly Scenario[] = [
  ...scans,
  ...estimates,
  ...spills,
  ...bitmaps,
  ...explosions,
  ...joins,
  ...subplans,
  ...visibility,
  ...buffers,
  ...predicates,
  ...overhead,
  ...shapes,
];
