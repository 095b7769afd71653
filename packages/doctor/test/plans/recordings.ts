/** The plans that are checked in: written by `npm run record:plans`, read by the tests. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { RecordedPlan } from "./run-scenario.ts";

export const RECORDED: string = fileURLToPath(new URL("./recorded/", import.meta.url));

export function readRecording(file: string): readonly RecordedPlan[] {
  if (!existsSync(`${RECORDED}${file}`)) return [];
  return (JSON.parse(readFileSync(`${RECORDED}${file}`, "utf8")) as { plans: RecordedPlan[] })
    .plans;
}

/** Replaces what the file has of these majors. */
export function writeRecording(file: string, plans: readonly RecordedPlan[]): void {
  const majors = new Set(plans.map((plan) => plan.major));
  const others = readRecording(file).filter((plan) => !majors.has(plan.major));
  const all = [...others, ...plans].toSorted((a, b) => a.major - b.major);
  mkdirSync(RECORDED, { recursive: true });
  writeFileSync(`${RECORDED}${file}`, `${JSON.stringify({ plans: all }, undefined, 1)}\n`);
}
