/** From a commit's acknowledgement to the drop in another process's L1. */
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import type { Child } from "./children.ts";
import { nowMs } from "./clock.ts";
import { PROBES } from "./database.ts";
import type { Arm, FromSubscriber } from "./subscriber.ts";

export interface LagSample {
  /** When the write was acknowledged, from the start of the measurement. */
  readonly atMs: number;
  readonly lagMs: number;
}

export interface LagPlan {
  /** Ends after so many samples or milliseconds, whichever comes first. */
  readonly samplesMax: number;
  readonly millisecondsMax: number;
  /** Between two samples, random up to this. */
  readonly pauseMaxMs: number;
}

export async function measureLag(
  subscriber: Child,
  writer: pg.Client,
  plan: LagPlan,
): Promise<LagSample[]> {
  const samples: LagSample[] = [];
  const startedMs = nowMs();
  while (samples.length < plan.samplesMax && nowMs() - startedMs < plan.millisecondsMax) {
    await delay(plan.pauseMaxMs * Math.random());
    const arm: Arm = { table: "probe", id: 1 + (samples.length % PROBES) };
    samples.push(await oneLag(subscriber, writer, arm, startedMs));
  }
  return samples;
}

async function oneLag(
  subscriber: Child,
  writer: pg.Client,
  arm: Arm,
  startedMs: number,
): Promise<LagSample> {
  await armed(subscriber, arm);
  await writer.query({
    name: "probe",
    text: "update probe set n = n + 1 where id = $1",
    values: [arm.id],
  });
  const acknowledgedMs = nowMs();
  const droppedMs = await dropped(subscriber);
  // Below zero: dropped before the writer heard that it had committed.
  return { atMs: acknowledgedMs - startedMs, lagMs: Math.max(0, droppedMs - acknowledgedMs) };
}

export async function armed(subscriber: Child, arm: Arm): Promise<void> {
  subscriber.tell(arm);
  const message = await subscriber.next<FromSubscriber>();
  if (message.kind !== "armed") throw new Error(`expected armed, got ${message.kind}`);
}

/** When the armed entry was dropped. */
export async function dropped(subscriber: Child): Promise<number> {
  const message = await subscriber.next<FromSubscriber>();
  if (message.kind !== "dropped") throw new Error(`expected dropped, got ${message.kind}`);
  return message.atMs;
}

/** The value below which the share of them lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Whether a reader falls behind: the last third lags clearly more than the first. */
export function isGrowing(samples: readonly LagSample[]): boolean {
  const third = Math.floor(samples.length / 3);
  if (third < 3) return true;
  const middle = (part: readonly LagSample[]): number =>
    percentile(
      part.map((one) => one.lagMs),
      0.5,
    );
  return middle(samples.slice(-third)) > 2 * middle(samples.slice(0, third)) + 25;
}
