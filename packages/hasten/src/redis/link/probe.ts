/** Whether a server that did not answer in time answers again: asked on the same connection. */
import type { Clock } from "../../core/clock.ts";
import { reasonOf, replyError } from "../errors.ts";
import type { RedisConnection } from "../types.ts";
import type { CheckedLinkOptions } from "./options.ts";
import { replyRule } from "./rules.ts";

export type ProbeAnswer = "answered" | { readonly because: string };

const AGAIN_MS = 50;

/**
 * Asks until an answer came as fast as commands must (`answered`), or none within the time for probes
 * (then the connection is to be given up).
 */
export async function probe(
  connection: RedisConnection,
  options: Pick<CheckedLinkOptions, "timeoutMs" | "probeTimeoutMs" | "clock">,
): Promise<ProbeAnswer> {
  const { clock, timeoutMs, probeTimeoutMs } = options;
  for (;;) {
    const sentMs = clock.nowMs();
    const outcome = await pinged(connection, clock, probeTimeoutMs);
    if (outcome === "busy") await later(clock, AGAIN_MS);
    else if (outcome !== "answered") return outcome;
    else if (clock.nowMs() - sentMs <= timeoutMs) return "answered";
  }
}

async function pinged(
  connection: RedisConnection,
  clock: Clock,
  limitMs: number,
): Promise<ProbeAnswer | "busy"> {
  const late = Promise.withResolvers<ProbeAnswer>();
  const timer = clock.schedule(limitMs, () =>
    late.resolve({ because: `no answer to PING within ${limitMs} ms` }),
  );
  try {
    return await Promise.race([ping(connection), late.promise]);
  } finally {
    timer.cancel();
  }
}

async function ping(connection: RedisConnection): Promise<ProbeAnswer | "busy"> {
  try {
    await connection.call(["PING"]);
    return "answered";
  } catch (error) {
    const reply = replyError(error);
    if (reply !== undefined && replyRule(reply.kind) === "paused") return "busy";
    return { because: reasonOf(error) };
  }
}

function later(clock: Clock, afterMs: number): Promise<void> {
  return new Promise((resolve) => void clock.schedule(afterMs, resolve));
}
