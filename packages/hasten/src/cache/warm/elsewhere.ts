/**
 * Several processes do not warm the same thing at once: the one that has the task's lease in Redis
 * loads, the others follow it or leave the task to it. Without Redis each warms for itself.
 */
import { defineKey } from "../keys.ts";
import type { SharedTier } from "../shared/port.ts";
import { unless } from "./unless.ts";

export type Turn =
  | { readonly kind: "go"; end(): void }
  | { readonly kind: "skip"; readonly because: string };

const leaseKey = defineKey("hasten-warm-up", (...names: readonly string[]) => names).of<never>();
const GO: Turn = { kind: "go", end: () => {} };

export async function turnOf(
  tier: Pick<SharedTier, "lease" | "usable"> | undefined,
  names: readonly string[],
  { skip, signal }: { readonly skip: boolean; readonly signal: AbortSignal },
): Promise<Turn> {
  if (tier === undefined || !tier.usable) return GO;
  const answer = await tier.lease(leaseKey(...names));
  switch (answer.kind) {
    case "unavailable":
      return GO;
    case "mine":
      return { kind: "go", end: () => answer.lease.release() };
    case "theirs":
      try {
        if (skip) return { kind: "skip", because: "another process warms it" };
        await unless(signal, answer.over);
        return GO;
      } finally {
        answer.leave();
      }
  }
}
