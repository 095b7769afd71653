/** All that can go wrong, by name. */
import { FAULTS, type Inject } from "./faults.ts";
import { SHARED_FAULTS } from "./shared-faults.ts";

export type EveryFault = keyof typeof FAULTS | keyof typeof SHARED_FAULTS;

export const EVERY_FAULT: Readonly<Record<EveryFault, Inject>> = { ...FAULTS, ...SHARED_FAULTS };
