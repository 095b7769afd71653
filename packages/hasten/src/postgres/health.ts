import type { Timer } from "../core/clock.ts";
import { untraced } from "../core/trace/index.ts";
import type { Connections } from "./connections.ts";
import { isUnavailable } from "./failures.ts";
import type { ResolvedOptions } from "./options.ts";
import type { Queryable } from "./queryable.ts";
import { sql } from "./sql.ts";

/** The answer to one check. */
export type Health =
  | { readonly kind: "healthy"; readonly latencyMs: number; readonly atMs: number }
  | {
      readonly kind: "unhealthy";
      /** An error code of hasten/postgres. */
      readonly because: string;
      /** True when the server cannot be reached, false when it answered wrongly. */
      readonly unreachable: boolean;
      readonly atMs: number;
    };

export interface HealthCheck {
  check(): Promise<Health>;
  last(): Health | undefined;
  stop(): void;
}

const CHECK_TIMEOUT_MS = 5_000;

/** Checks by a round trip, on demand and every healthEveryMs, and keeps the pool warm on the way. */
export function createHealth(
  db: Queryable,
  connections: Connections,
  { clock, healthEveryMs }: ResolvedOptions,
): HealthCheck {
  let last: Health | undefined;
  let running: Promise<Health> | undefined;
  let timer: Timer | undefined;
  let stopped = false;

  const ask = async (): Promise<Health> => {
    const startedMs = clock.nowMs();
    try {
      await db.execute(sql`select 1`, {
        timeoutMs: CHECK_TIMEOUT_MS,
        idempotent: true,
        read: "primary",
      });
      connections.answered();
      last = { kind: "healthy", latencyMs: clock.nowMs() - startedMs, atMs: clock.wallMs() };
    } catch (error) {
      const because = (error as { code?: string }).code ?? "HST_PG_STATEMENT";
      last = {
        kind: "unhealthy",
        because,
        unreachable: isUnavailable(error),
        atMs: clock.wallMs(),
      };
    }
    return last;
  };
  const check = (): Promise<Health> => {
    // About the server, not about any answer that is being made.
    running ??= untraced(ask).finally(() => {
      running = undefined;
    });
    return running;
  };
  const plan = (): void => {
    if (healthEveryMs === 0 || stopped) return;
    timer = clock.schedule(healthEveryMs, () => {
      void check()
        .then(() => connections.warm())
        .finally(plan);
    });
  };
  plan();
  return {
    check,
    last: () => last,
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
