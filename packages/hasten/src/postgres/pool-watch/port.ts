import type { PoolCounts, PoolKind } from "./types.ts";

/** What a watcher asks of a pool, whichever it is. */
export interface PoolPort {
  readonly kind: PoolKind;
  /** A name for it, if nobody gave one. */
  readonly name: string;
  counts(): PoolCounts;
  /** Whether the pool gave this error because the wait was too long. */
  isTimeout(error: unknown): boolean;
  /** Takes the connection from whoever has it. @default its socket is closed */
  readonly destroy?: ((client: object) => void) | undefined;
}

/** Both sequelize-pool and tarn have a class of that name, whose errors bear that of Error. */
export function isTimeoutError(error: unknown): boolean {
  return error instanceof Error && error.constructor.name === "TimeoutError";
}
