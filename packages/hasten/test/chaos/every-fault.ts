/** All that can go wrong, by name. */
import { FAULTS, type Inject } from "./faults.ts";
import { POOLER_FAULTS } from "./pooler-faults.ts";
import { REPLICA_FAULTS } from "./replica-faults.ts";
import { SHARED_FAULTS } from "./shared-faults.ts";

export const EVERY_FAULT = {
  ...FAULTS,
  ...SHARED_FAULTS,
  ...POOLER_FAULTS,
  ...REPLICA_FAULTS,
} as const satisfies Readonly<Record<string, Inject>>;

export type EveryFault = keyof typeof EVERY_FAULT;
