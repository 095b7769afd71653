export { runningPostgres } from "./address.ts";
export { EmbeddedPostgresError } from "./errors.ts";
export { type OwnerRecord, ownerOf, takeOwnership } from "./owner.ts";
export { isAlive, startTimeOf } from "./process-identity.ts";
export { type PostgresOptions, type PostgresServer, startPostgres } from "./start.ts";
