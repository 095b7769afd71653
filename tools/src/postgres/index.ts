export { runningPostgres } from "./address.ts";
export { EmbeddedPostgresError } from "./errors.ts";
export { type OwnerRecord, ownerOf, takeOwnership } from "./owner.ts";
export { isAlive, startTimeOf } from "./process-identity.ts";
export { type Replica, type ReplicaOptions, startReplica } from "./replica.ts";
export { removePrivateLeftovers } from "./stale.ts";
export {
  type PostgresOptions,
  type PostgresServer,
  type Programs,
  startPostgres,
} from "./start.ts";
