/** How a stream stands, from what is known of it. Pure. */
import type { Trust } from "../../core/trust.ts";
import type { StreamStatus } from "./types.ts";

export interface Standing {
  readonly closed: boolean;
  readonly connected: boolean;
  readonly live: boolean;
  readonly trust: Pick<Trust, "confirmed" | "ageMs">;
  readonly maxLagMs: number;
}

export function stateOf(standing: Standing): StreamStatus["state"] {
  const { closed, connected, live, trust, maxLagMs } = standing;
  if (closed) return "closed";
  if (!connected) return "connecting";
  const ageMs = trust.ageMs();
  if (!live || ageMs === Number.POSITIVE_INFINITY) return "starting";
  if (trust.confirmed) return "live";
  return ageMs > maxLagMs ? "lost" : "late";
}

/** Why it is not live: what was told, else what the state itself says. */
export function becauseOf(
  state: StreamStatus["state"],
  told: string | undefined,
): string | undefined {
  if (state === "live") return undefined;
  return told ?? (state === "late" || state === "lost" ? SILENT : undefined);
}

const SILENT = "no heartbeat came back in time";

export function endsWell(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
