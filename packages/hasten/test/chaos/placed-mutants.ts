/** Ways to be wrong that show only behind a pooler, or with a replica. */
import { asking } from "../../src/postgres/watch/pooled.ts";

export const POOLER_MUTANTS = ["every-session"] as const;
export type PlacedMutant = (typeof POOLER_MUTANTS)[number];

export function isPoolerMutant(name: string): name is (typeof POOLER_MUTANTS)[number] {
  return (POOLER_MUTANTS as readonly string[]).includes(name);
}

export function isPlacedMutant(name: string): name is PlacedMutant {
  return isPoolerMutant(name);
}

export function becomePlaced(_mutant: PlacedMutant): void {
  // Every session of the pooler is taken for as it was made.
  asking.sessions = false;
}
