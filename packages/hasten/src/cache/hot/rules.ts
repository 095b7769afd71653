/** Facts -> findings. */
import type { ServerInfo } from "./info.ts";
import type { CacheReport, HealthFinding, HealthThresholds } from "./types.ts";
import type { Recent } from "./window.ts";

export interface HealthFacts {
  readonly report: CacheReport;
  readonly recent: Recent;
  readonly servers: readonly ServerInfo[];
}

type Rule = (facts: HealthFacts, limits: HealthThresholds) => HealthFinding | undefined;

export const THRESHOLDS: HealthThresholds = {
  hitRateMin: 0.5,
  readsMin: 100,
  evictionRateMax: 0.1,
  storedMin: 100,
  loadFailureRateMax: 0.1,
  loadsMin: 20,
  awayMaxMs: 5_000,
  queuedMax: 1_000,
  gapsMax: 0,
  confirmedAgoMaxMs: 5_000,
  memoryUsedMax: 0.9,
};

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const hitRateLow: Rule = ({ report, recent: { grown, overMs } }, limits) => {
  const reads = grown.hits + grown.misses;
  const { hitRate } = report;
  if (hitRate === undefined || reads < limits.readsMin || hitRate >= limits.hitRateMin) return;
  return {
    id: "hit-rate-low",
    severity: "warning",
    says: `${percent(hitRate)} of ${reads} reads were answered from the cache.`,
    fix: "Longer ttlMs, more memory, warming at start; cache.coldest() and cache.why(key) tell what is kept in vain and what goes too soon.",
    evidence: { hitRate, reads, overMs, hitRateMin: limits.hitRateMin },
  };
};

const evictionRateHigh: Rule = ({ report, recent: { grown, overMs } }, limits) => {
  const { evictionRate, entries, entriesMax, bytes, bytesMax } = report.memory;
  if (evictionRate === undefined || grown.stored < limits.storedMin) return;
  if (evictionRate <= limits.evictionRateMax) return;
  return {
    id: "eviction-rate-high",
    severity: "warning",
    says: `${grown.evictions} entries were evicted while ${grown.stored} were stored (${percent(evictionRate)}).`,
    fix: "Raise memory.entriesMax or memory.bytesMax, whichever is full, or keep less: cache.coldest() shows what is not read.",
    evidence: { evictionRate, overMs, entries, entriesMax, bytes, bytesMax },
  };
};

const loadsFailing: Rule = ({ report, recent: { grown, overMs } }, limits) => {
  const { failureRate } = report.loads;
  if (failureRate === undefined || grown.loads < limits.loadsMin) return;
  if (failureRate <= limits.loadFailureRateMax) return;
  return {
    id: "loads-failing",
    severity: "critical",
    says: `${grown.loadFailures} of ${grown.loads} loads failed (${percent(failureRate)}).`,
    fix: "Look at the source; graceMs lets old values stand in for errors. The events load-failed of hasten:cache:event have the errors.",
    evidence: { failureRate, loads: grown.loads, failed: grown.loadFailures, overMs },
  };
};

const tierAway: Rule = ({ report: { shared, atMs } }, limits) => {
  if (shared === undefined || shared.state === "ready" || isRefused(shared)) return;
  const awayMs = atMs - shared.sinceMs;
  if (awayMs <= limits.awayMaxMs) return;
  return {
    id: "tier-away",
    severity: "critical",
    says: `The shared tier is ${shared.state} for ${Math.round(awayMs / 1_000)} s${why(shared.because)}.`,
    fix: "The cache goes on with this process's memory and the source, and returns by itself. Check that Redis runs and can be reached from here.",
    evidence: { state: shared.state, awayMs, timeouts: shared.timeouts, errors: shared.errors },
  };
};

/** What Redis says to a connection that it does not want: it is there, and trying again will not help. */
const DENIED = /\b(WRONGPASS|NOAUTH|NOPERM)\b|invalid password|AUTH. called without/i;

function isRefused({ state, because = "" }: NonNullable<CacheReport["shared"]>): boolean {
  return state === "refused" || (state !== "ready" && DENIED.test(because));
}

const tierRefused: Rule = ({ report: { shared } }) => {
  if (shared === undefined || !isRefused(shared)) return;
  return {
    id: "tier-refused",
    severity: "critical",
    says: `Redis refuses this cache${why(shared.because)}.`,
    fix: "Check user, password and their rights (commands and keys), and the server's version.",
    evidence: { state: shared.state, because: shared.because ?? "" },
  };
};

const queueGrowing: Rule = ({ report: { shared }, recent: { grown, overMs } }, limits) => {
  if (shared === undefined || shared.queued === 0) return;
  if (grown.queued <= 0 && shared.queued <= limits.queuedMax) return;
  const much = shared.queued > limits.queuedMax;
  return {
    id: "queue-growing",
    severity: much ? "critical" : "warning",
    says: `${shared.queued} invalidations wait to be told to the other processes, ${grown.queued} more than ${Math.round(overMs / 1_000)} s ago.`,
    fix: "They are done here and sent when Redis takes them; until then other processes are bounded by the log's trust. Bring Redis back, or make room in it.",
    evidence: { queued: shared.queued, grown: grown.queued, overMs },
  };
};

const gaps: Rule = ({ report: { shared }, recent: { grown, overMs } }, limits) => {
  if (shared === undefined || grown.gaps <= limits.gapsMax) return;
  return {
    id: "gaps",
    severity: "warning",
    says: `${grown.gaps} times everything in this process was dropped, since an invalidation may have been missed.`,
    fix: "Nothing stale was served. Look for lost connections, restarts, FLUSHALL, evicted or trimmed keys: the event `gap` of hasten:cache:tier says which.",
    evidence: { gaps: grown.gaps, overMs },
  };
};

const logSilent: Rule = ({ report: { shared } }, limits) => {
  if (shared === undefined || shared.state !== "ready") return;
  const agoMs = shared.confirmedAgoMs ?? Number.POSITIVE_INFINITY;
  if (agoMs <= limits.confirmedAgoMaxMs) return;
  const ago = Number.isFinite(agoMs) ? `${Math.round(agoMs)} ms ago` : "never";
  return {
    id: "log-silent",
    severity: "critical",
    says: `Redis answers, and yet that no invalidation was missed was confirmed ${ago}.`,
    fix: "Is this process's event loop blocked (look at its lag), or Redis too slow for the confirmations?",
    evidence: { confirmedAgoMs: agoMs, confirmedAgoMaxMs: limits.confirmedAgoMaxMs },
  };
};

const memoryPolicyUnsuitable: Rule = ({ servers }) => {
  const found = servers.find(({ memoryPolicy = "", memoryMaxBytes = 0 }) =>
    memoryMaxBytes > 0 ? /noeviction|random/.test(memoryPolicy) : false,
  );
  if (found === undefined) return;
  const policy = found.memoryPolicy!;
  const noeviction = policy === "noeviction";
  return {
    id: "memory-policy-unsuitable",
    severity: "warning",
    says: noeviction
      ? "When this Redis is full it refuses writes: values are not stored and invalidations wait."
      : `This Redis evicts at random (${policy}): also what tells whether entries are valid, which voids them all.`,
    fix: "Set maxmemory-policy to volatile-lfu or volatile-lru (or allkeys-lfu, allkeys-lru where Redis holds nothing but caches).",
    evidence: { memoryPolicy: policy, memoryMaxBytes: found.memoryMaxBytes! },
  };
};

const redisMemoryFull: Rule = ({ servers }, limits) => {
  const share = ({ usedMemoryBytes = 0, memoryMaxBytes = 0 }: ServerInfo): number =>
    memoryMaxBytes > 0 ? usedMemoryBytes / memoryMaxBytes : 0;
  const found = servers.find(
    (one) => one.memoryPolicy === "noeviction" && share(one) > limits.memoryUsedMax,
  );
  if (found === undefined) return;
  return {
    id: "redis-memory-full",
    severity: "critical",
    says: `Redis uses ${percent(share(found))} of its memory and does not evict.`,
    fix: "Raise maxmemory, or set an evicting maxmemory-policy.",
    evidence: { usedMemoryBytes: found.usedMemoryBytes!, memoryMaxBytes: found.memoryMaxBytes! },
  };
};

const RULES: readonly Rule[] = [
  tierRefused,
  tierAway,
  logSilent,
  redisMemoryFull,
  loadsFailing,
  queueGrowing,
  gaps,
  hitRateLow,
  evictionRateHigh,
  memoryPolicyUnsuitable,
];

/** Every finding, what is critical first. */
export function judge(
  facts: HealthFacts,
  thresholds: Partial<HealthThresholds> = {},
): readonly HealthFinding[] {
  const limits = { ...THRESHOLDS, ...thresholds };
  const found = RULES.map((rule) => rule(facts, limits)).filter((it) => it !== undefined);
  const rank = ({ severity }: HealthFinding): number => (severity === "critical" ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b));
}

function why(because: string | undefined): string {
  return because === undefined ? "" : `: ${because.replace(/\.$/, "")}`;
}
