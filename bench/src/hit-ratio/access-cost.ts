// Child process: nanoseconds per access of one policy, hits and misses, printed as JSON.
// Arguments: policy, entries.
import { generatedTraces } from "./generated.ts";
import { POLICIES, type PolicyName } from "./measure.ts";

const [name, entriesText] = process.argv.slice(2);
const factory = POLICIES[name as PolicyName];
const trace = generatedTraces().find((one) => one.name === "Zipf 0.99")!;
const policy = factory({ entriesMax: Number(entriesText), keys: trace.keys });

function pass(): number {
  const start = performance.now();
  for (const key of trace.requests) policy.access(key);
  return ((performance.now() - start) * 1e6) / trace.requests.length;
}

pass();
console.log(JSON.stringify({ ns: (pass() + pass()) / 2 }));
