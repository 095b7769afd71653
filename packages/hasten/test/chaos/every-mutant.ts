import { isMutant, type Mutant } from "./mutants.ts";
import { isPlacedMutant, type PlacedMutant } from "./placed-mutants.ts";
import { isSharedMutant, type SharedMutant } from "./shared-mutants.ts";

export type AnyMutant = Mutant | SharedMutant | PlacedMutant;

export function isAnyMutant(name: string): name is AnyMutant {
  return isMutant(name) || isSharedMutant(name) || isPlacedMutant(name);
}
