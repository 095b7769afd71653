/** Ways to be wrong that show only behind a pooler, or with a replica. */
import { Place } from "../../src/postgres/stream/place.ts";
import { asking } from "../../src/postgres/watch/pooled.ts";

export const POOLER_MUTANTS = ["every-session"] as const;
export const REPLICA_MUTANTS = ["any-replay"] as const;
export type PoolerMutant = (typeof POOLER_MUTANTS)[number];
export type ReplicaMutant = (typeof REPLICA_MUTANTS)[number];
export type PlacedMutant = PoolerMutant | ReplicaMutant;

export function isPoolerMutant(name: string): name is PoolerMutant {
  return (POOLER_MUTANTS as readonly string[]).includes(name);
}

export function isReplicaMutant(name: string): name is ReplicaMutant {
  return (REPLICA_MUTANTS as readonly string[]).includes(name);
}

export function isPlacedMutant(name: string): name is PlacedMutant {
  return isPoolerMutant(name) || isReplicaMutant(name);
}

export function becomePlaced(mutant: PlacedMutant): void {
  if (mutant === "every-session") asking.sessions = false;
  else anyReplay();
}

/** What a replica shows is kept however little of the log it has replayed. */
function anyReplay(): void {
  Object.defineProperty(Place.prototype, "forReplicas", { get: () => "0/1" });
}
