/** All that can go wrong, by name. */
import { FAULTS, type Inject } from "./faults.ts";
import { POOLER_FAULTS } from "./pooler-faults.ts";
import { SHARED_FAULTS } from "./shared-faults.ts";

export type EveryFault =
  | keyof typeof FAULTS
  | keyof typeof SHARED_FAULTS
  | keyof typeof POOLER_FAULTS;

export const EVERY_FAULT: Readonly<Record<EveryFault, Inject>> = {
  ...FAULTS,
  ...SHARED_FAULTS,
  ...POOLER_FAULTS,
};
