import type { SharedTier } from "../../cache/shared/port.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import type { CoherencePromise } from "../../core/trust.ts";
import type { PgDriver } from "../driver.ts";
import { optionInvalid } from "../errors.ts";
import { parseUrl } from "../url.ts";
import type { CoherenceEvent, CoherenceOptions } from "./types.ts";

export interface ResolvedCoherence {
  readonly url: string;
  readonly directUrl: string;
  readonly mode: "auto" | CoherencePromise;
  readonly autoSetup: boolean | "triggers";
  readonly publication: string;
  readonly boundMs: number;
  readonly heartbeatMs: number;
  readonly maxLagMs: number;
  readonly retryMs: number;
  readonly startMs: number;
  readonly onEvent: ((event: CoherenceEvent) => void) | undefined;
  readonly driver: PgDriver | undefined;
  readonly clock: Clock;
  readonly shared: SharedTier | undefined;
}

const MODES: readonly unknown[] = ["auto", "stream", "triggers", "own-writes", "ttl"];
const NAME = /^[a-z_][a-z0-9_$]{0,62}$/;

/** Fills in defaults and checks every bound. @throws HST_PG_OPTION, naming the option. */
export function resolveCoherence(o: CoherenceOptions): ResolvedCoherence {
  const { mode = "auto", autoSetup = false, publication = "hasten" } = o;
  if (!MODES.includes(mode)) throw optionInvalid("mode", `one of ${MODES.join(", ")}`, mode);
  if (typeof autoSetup !== "boolean" && autoSetup !== "triggers")
    throw optionInvalid("autoSetup", 'true, false or "triggers"', autoSetup);
  if (typeof publication !== "string" || !NAME.test(publication))
    throw optionInvalid("publication", "a plain lower-case name", publication);
  parseUrl(o.url);
  if (o.directUrl !== undefined) parseUrl(o.directUrl);
  const boundMs = bounded("boundMs", o.boundMs ?? 500, 50, 10_000);
  return {
    url: o.url,
    directUrl: o.directUrl ?? o.url,
    mode,
    autoSetup,
    publication,
    boundMs,
    heartbeatMs: bounded("heartbeatMs", o.heartbeatMs ?? Math.min(250, boundMs / 2), 10, boundMs),
    maxLagMs: bounded("maxLagMs", o.maxLagMs ?? Math.max(2_000, boundMs), boundMs, 600_000),
    retryMs: bounded("retryMs", o.retryMs ?? 10_000, 100, 3_600_000),
    startMs: bounded("startMs", o.startMs ?? 5_000, 0, 600_000),
    onEvent: o.onEvent,
    driver: o.driver,
    clock: o.clock ?? systemClock,
    shared: o.shared,
  };
}

function bounded(name: string, value: unknown, low: number, high: number): number {
  if (typeof value === "number" && value >= low && value <= high) return value;
  throw optionInvalid(name, `from ${low} to ${high}`, value);
}
