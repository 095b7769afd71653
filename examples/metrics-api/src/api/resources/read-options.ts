import type { CachedQueryOptions } from "hasten/postgres";

/**
 * How every read asks the database: again when its connection died, and not for longer than a
 * client would wait, so that a database that hangs is answered for by what is cached.
 */
export const READ: CachedQueryOptions = { idempotent: true, timeoutMs: 5_000 };
