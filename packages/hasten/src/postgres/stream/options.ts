import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "../../core/clock.ts";
import type { PgDriver } from "../driver.ts";
import type { StreamOptions } from "./types.ts";

export interface ResolvedStream extends StreamOptions {
  readonly driver: PgDriver | undefined;
  readonly node: string;
  /** Of this stream: several of one process must not take each other's pulses for their own. */
  readonly instance: string;
  readonly startMs: number;
  readonly clock: Clock;
}

export function resolveStream(given: StreamOptions): ResolvedStream {
  return {
    ...given,
    driver: given.driver,
    node: given.node ?? randomUUID(),
    instance: randomUUID(),
    startMs: given.startMs ?? 5_000,
    clock: given.clock ?? systemClock,
  };
}
