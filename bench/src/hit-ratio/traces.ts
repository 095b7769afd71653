import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

/** A sequence of requests for keys 0..keys-1. */
export interface Trace {
  readonly name: string;
  readonly requests: Uint32Array;
  readonly keys: number;
  /** Cache sizes, in entries, to measure at. */
  readonly sizes: readonly number[];
}

const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** Shares of the trace's keys to measure at. */
const SHARES = [0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5];

/** The public traces, with the sizes their publishers quote. */
const PUBLIC: Readonly<Record<string, readonly number[]>> = {
  "orm-busy-1.5M": [1_000, 5_000],
  web07: [200, 1_000],
  multi1: [500, 1_500],
  sprite: [200, 600],
  loop: [500],
  cs: [],
  gli: [],
};

/** Where the public traces are: `HASTEN_TRACES`, or `../shared/traces` beside the repository. */
export function tracesDirectory(): string {
  return process.env["HASTEN_TRACES"] ?? `${repository}../shared/traces`;
}

/** Reads the public traces that are there; names those that are not. */
export function publicTraces(): { readonly traces: readonly Trace[]; readonly absent: string[] } {
  const traces: Trace[] = [];
  const absent: string[] = [];
  for (const [name, quoted] of Object.entries(PUBLIC)) {
    const path = `${tracesDirectory()}/${name}.u32.gz`;
    if (existsSync(path)) traces.push(trace(name, decode(readFileSync(path)), quoted));
    else absent.push(name);
  }
  return { traces, absent };
}

export function trace(name: string, requests: Uint32Array, quoted: readonly number[]): Trace {
  const keys = requests.reduce((most, key) => Math.max(most, key), 0) + 1;
  const spread = SHARES.map((share) => Math.round(share * keys)).filter((size) => size >= 2);
  const sizes = [...new Set([...spread, ...quoted])].sort((a, b) => a - b);
  return { name, requests, keys, sizes };
}

/** gzip of little-endian unsigned 32-bit key numbers. */
function decode(packed: Buffer): Uint32Array {
  const bytes = gunzipSync(packed);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength >>> 2;
  return Uint32Array.from({ length: count }, (_, n) => view.getUint32(n * 4, true));
}
