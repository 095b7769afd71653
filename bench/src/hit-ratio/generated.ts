import { randomSource } from "../../../packages/hasten/src/cache/memory/hash.ts";
import { type Trace, trace } from "./traces.ts";

const SEED = 20_240_601;
const KEYS = 20_000;
const REQUESTS = 300_000;
const LOOP_KEYS = 5_000;
/** Every so many requests a scan asks once for a run of keys never seen before or after. */
const SCAN_EVERY = 2_000;
const SCAN_LENGTH = 1_000;
/** Every so many requests the popular keys become others. */
const SHIFT_EVERY = 30_000;
const SHIFT_BY = 3_001;

/** Traces made here, the same in every run. */
export function generatedTraces(): readonly Trace[] {
  return [
    trace("Zipf 0.7", zipf(0.7, REQUESTS), []),
    trace("Zipf 0.99", zipf(0.99, REQUESTS), []),
    trace("Zipf 0.99 with scans", scanPolluted(), []),
    trace("loop", looping(), []),
    trace("shifting hot set", shifting(), []),
  ];
}

/** Independent requests; the key of rank r is asked for in proportion to r^-exponent. */
function zipf(exponent: number, count: number): Uint32Array {
  const cumulative = new Float64Array(KEYS);
  let sum = 0;
  for (let rank = 0; rank < KEYS; rank++) {
    sum += (rank + 1) ** -exponent;
    cumulative[rank] = sum;
  }
  const random = randomSource(SEED);
  return Uint32Array.from({ length: count }, () =>
    firstAbove(cumulative, (random() / 2 ** 32) * sum),
  );
}

function firstAbove(cumulative: Float64Array, target: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulative[middle]! > target) high = middle;
    else low = middle + 1;
  }
  return low;
}

function scanPolluted(): Uint32Array {
  const base = zipf(0.99, REQUESTS);
  const requests: number[] = [];
  let scanned = KEYS;
  for (let at = 0; at < base.length; at++) {
    requests.push(base[at]!);
    if (at % SCAN_EVERY !== SCAN_EVERY - 1) continue;
    for (let n = 0; n < SCAN_LENGTH; n++) requests.push(scanned++);
  }
  return Uint32Array.from(requests);
}

function looping(): Uint32Array {
  return Uint32Array.from({ length: REQUESTS }, (_, at) => at % LOOP_KEYS);
}

function shifting(): Uint32Array {
  return zipf(0.99, REQUESTS).map((key, at) => {
    const shift = Math.floor(at / SHIFT_EVERY) * SHIFT_BY;
    return (key + shift) % KEYS;
  });
}
