// One run of the doctor in a process of its own: time, memory, plans. Its last line is JSON.
import { diagnose } from "hasten-doctor";

const [url, cacheDir] = process.argv.slice(2);
const startedMs = performance.now();
const steps: { readonly step: string; readonly atMs: number }[] = [];
const report = await diagnose({
  ...(url !== undefined && { url }),
  ...(cacheDir !== undefined && { cacheDir }),
  onProgress: ({ step }) => {
    if (steps.at(-1)?.step !== step) steps.push({ step, atMs: performance.now() - startedMs });
  },
});
const wallMs = performance.now() - startedMs;
const { considered, calibration, advice } = report.indexes!;
console.log(
  JSON.stringify({
    wallMs,
    rssMiB: process.resourceUsage().maxRSS / 1024,
    ...considered,
    calibration,
    advice: advice.length,
    spent: report.target?.spent,
    stepsMs: steps.map(({ step, atMs }, at) => [step, (steps[at + 1]?.atMs ?? wallMs) - atMs]),
  }),
);
