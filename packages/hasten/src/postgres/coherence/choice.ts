import type { CoherencePromise } from "../../core/trust.ts";
import type { Finding } from "./preflight/finding.ts";

/** The best first. */
export const PROMISES: readonly CoherencePromise[] = ["stream", "triggers", "own-writes", "ttl"];

/** A mode, and why it is not a better one. */
export interface Choice {
  /** Undefined: the mode asked for by name cannot be had. */
  readonly promise: CoherencePromise | undefined;
  readonly because: string | undefined;
}

/** The best of the modes allowed that no finding stops. */
export function chooseMode(mode: "auto" | CoherencePromise, findings: readonly Finding[]): Choice {
  const allowed = mode === "auto" ? PROMISES : [mode];
  const promise = allowed.find((it) => stops(findings, it) === undefined);
  const better = promise === allowed[0] ? undefined : stops(findings, allowed[0]!);
  return { promise, because: better?.says };
}

function stops(findings: readonly Finding[], promise: CoherencePromise): Finding | undefined {
  return findings.find((finding) => finding.stops.includes(promise));
}
