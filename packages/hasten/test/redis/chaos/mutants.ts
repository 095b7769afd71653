/**
 * Ways to be wrong, each taken by every process of a run. None is reachable from the library: they
 * replace its parts from outside, and the chaos must find each of them.
 */
import { createHash } from "node:crypto";
import { Fence } from "../../../src/cache/fence.ts";
import { confirm, fill } from "../../../src/cache/shared/protocol/scripts.generated.ts";
import { TierLog } from "../../../src/cache/shared/tier/log.ts";
import { Trust } from "../../../src/core/trust.ts";
import type { RedisScript } from "../../../src/redis/types.ts";

export const MUTANTS = {
  "blind-set": "what was loaded is stored, whatever was invalidated meanwhile",
  "confirmed-by-xread": "what stands in the log is applied; what is missing of it is not missed",
  "trusted-for-ever": "memory is used however long ago it was confirmed",
  deaf: "memory is not told what others invalidate",
} as const;

export type Mutant = keyof typeof MUTANTS;
export const MUTANT_NAMES: readonly Mutant[] = Object.keys(MUTANTS) as Mutant[];

export function isMutant(name: string): name is Mutant {
  return name in MUTANTS;
}

export function become(mutant: Mutant): void {
  if (mutant === "blind-set") blindSet();
  else if (mutant === "confirmed-by-xread") confirmedByXread();
  else if (mutant === "trusted-for-ever") trustedForEver();
  else TierLog.prototype.receive = () => undefined;
}

function blindSet(): void {
  Fence.prototype.isVoid = () => false;
  change(
    fill,
    "local outcome = refusal(raws)",
    "local outcome = not clock and 'lost' or nil\nif clock then captured = clock.seq end",
  );
}

/** Says that nothing is missing: the head follows from what is there. */
function confirmedByXread(): void {
  change(
    confirm,
    /return \{.*\}\n$/s,
    `local found = redis.pcall('GET', KEYS[1])
local at = tonumber(ARGV[1])
if type(found) == 'string' and at < 9007199254740991 then
  local head = at
  if #entries > 0 then head = at + #entries end
  for index = 1, #entries do entries[index][1] = string.format('%.0f-0', at + index) end
  found = string.gsub(found, '^(%S+ %S+ )%S+', '%1' .. string.format('%.0f', head), 1)
end
return { type(found) == 'string' and found, redis.call('TIME'), entries, sources }
`,
  );
}

function trustedForEver(): void {
  Object.defineProperty(Trust.prototype, "ageMs", { value: () => 0 });
  Object.defineProperty(Trust.prototype, "confirmed", {
    get(this: Trust) {
      return !this.ended;
    },
  });
}

function change(script: RedisScript, from: string | RegExp, to: string): void {
  const source = script.source.replace(from, () => to);
  if (source === script.source) throw new Error(`the mutant does not fit ${script.name} any more`);
  const sha = createHash("sha1").update(source).digest("hex");
  Object.assign(script, { source, sha });
}
