import type { Evidence } from "../../finding.ts";
import type { Judgement, Traffic, TrafficCheck, Verdict } from "../types.ts";
import { advice, bytes, count, known, ms, percent, share, sqlFix } from "../verdict.ts";

const HOUR_MS = 3_600_000;
const CLEAN: Judgement = { verdicts: [] };

/** Rates need a time: without a reset or a second reading there is none. */
const UNTIMED: Judgement = {
  verdicts: [],
  unseen: {
    share: 0,
    because:
      "counters that were never reset have no age: take a sample (--sample) or compare with a saved run (--since)",
  },
};

function spanned(traffic: Traffic): Evidence | undefined {
  if (traffic.elapsedMs === undefined) return undefined;
  return ms(traffic.kind === "delta" ? "Within" : "Since the counters' reset", traffic.elapsedMs);
}

function one(verdict: Verdict): Judgement {
  return { verdicts: [verdict] };
}

export const deadlocks: TrafficCheck = {
  id: "health/deadlocks",
  looksAt: "Deadlocks",
  why: "PostgreSQL ends one of the transactions with an error after deadlock_timeout; until then all of them, and whoever is behind them, stand still.",
  thresholds: ["deadlocksWarningPerHour", "deadlocksCriticalPerHour"],
  judge(traffic, { thresholds }) {
    if (traffic.deadlocks === 0) return CLEAN;
    if (traffic.elapsedMs === undefined) return UNTIMED;
    const perHour = (traffic.deadlocks / traffic.elapsedMs) * HOUR_MS;
    if (perHour <= thresholds.deadlocksWarningPerHour) return CLEAN;
    // A handful within seconds is no storm: a rate is believed once it has lasted.
    const storm =
      perHour >= thresholds.deadlocksCriticalPerHour &&
      traffic.deadlocks >= thresholds.deadlocksCriticalPerHour / 60;
    return one({
      severity: storm ? "critical" : "warning",
      title: `${traffic.deadlocks} deadlock${traffic.deadlocks === 1 ? "" : "s"} ended transactions with an error`,
      subject: "transactions",
      evidence: known([
        count("Deadlocks", traffic.deadlocks),
        { label: "Rate", value: Math.round(perHour * 100) / 100, unit: "per-hour" },
        spanned(traffic),
      ]),
      fix: advice(
        "The server's log names both statements and the rows' tables. Lock rows in one order everywhere (order by the key in select … for update and in bulk updates), keep transactions short, and repeat what failed with SQLSTATE 40P01.",
      ),
    });
  },
};

export const rollbacks: TrafficCheck = {
  id: "health/rollbacks",
  looksAt: "Transactions rolled back",
  why: "Work that is thrown away was paid for all the same, and many rollbacks usually are errors that somebody sees.",
  thresholds: ["rollbackWarningShare", "rollbackTransactionsMin"],
  judge(traffic, { thresholds }) {
    const all = traffic.commits + traffic.rollbacks;
    const rolledBack = traffic.rollbacks / Math.max(all, 1);
    if (all < thresholds.rollbackTransactionsMin || rolledBack < thresholds.rollbackWarningShare)
      return CLEAN;
    return one({
      severity: "warning",
      title: `${percent(rolledBack)} of the transactions are rolled back`,
      subject: "transactions",
      evidence: known([
        count("Rolled back", traffic.rollbacks),
        count("Committed", traffic.commits),
        share("Share", rolledBack),
        spanned(traffic),
      ]),
      fix: advice(
        "Look for errors in the server's log (unique violations, serialization failures, time-outs). Where a conflict is expected, insert … on conflict does without the error.",
      ),
    });
  },
};

export const cacheHit: TrafficCheck = {
  id: "health/cache-hit",
  looksAt: "Pages found in shared buffers",
  why: "What is not in shared buffers comes from the operating system's cache at best, and from the disk at worst, a hundred times slower.",
  thresholds: ["cacheHitInfoShare", "cacheHitWarningShare", "cachePagesMin"],
  judge(traffic, { thresholds }) {
    const all = traffic.pagesHit + traffic.pagesRead;
    const hit = traffic.pagesHit / Math.max(all, 1);
    if (all < thresholds.cachePagesMin || hit >= thresholds.cacheHitInfoShare) return CLEAN;
    return one({
      severity: hit < thresholds.cacheHitWarningShare ? "warning" : "info",
      title: `${percent(hit)} of the pages that were needed were in shared buffers`,
      subject: "shared_buffers",
      evidence: known([
        share("Found in shared buffers", hit),
        count("Pages found", traffic.pagesHit),
        count("Pages read", traffic.pagesRead),
        spanned(traffic),
      ]),
      fix: sqlFix(
        ["show shared_buffers;"],
        "First look at the statements that read the most (indexes that are missing, tables that are read whole); then give shared_buffers about a quarter of the machine's memory: that takes a restart.",
      ),
    });
  },
};

export const tempFiles: TrafficCheck = {
  id: "health/temp-files",
  looksAt: "Sorts and hashes that spill to disk",
  why: "What does not fit work_mem is written to files and read back: slow for the statement, and it takes the disk from everyone else.",
  thresholds: ["tempWarningBytesPerSecond", "tempCriticalBytesPerSecond"],
  judge(traffic, { thresholds }) {
    if (traffic.tempBytes === 0) return CLEAN;
    if (traffic.elapsedMs === undefined) return UNTIMED;
    const perSecond = (traffic.tempBytes / traffic.elapsedMs) * 1_000;
    if (perSecond < thresholds.tempWarningBytesPerSecond) return CLEAN;
    return one({
      severity: perSecond >= thresholds.tempCriticalBytesPerSecond ? "critical" : "warning",
      title: `Sorts and hashes write ${Math.round(perSecond / 1024 / 1024)} MB a second to temporary files`,
      subject: "work_mem",
      evidence: known([
        bytes("Written a second", perSecond),
        bytes("Written", traffic.tempBytes),
        count("Files", traffic.tempFiles),
        spanned(traffic),
      ]),
      fix: sqlFix(
        ["alter system set log_temp_files = '10MB';", "select pg_reload_conf();"],
        "The log then names the statements. Give those an index that brings the order, or more work_mem for their role (alter role … set work_mem): it is taken for each sort and hash of each session.",
      ),
    });
  },
};

export const checkpoints: TrafficCheck = {
  id: "health/checkpoints",
  looksAt: "Checkpoints forced by written WAL",
  why: "Checkpoints that come before their time write the same pages again and again, and every page changed after one goes to the WAL whole.",
  thresholds: ["checkpointsRequestedShare", "checkpointsMin"],
  judge(traffic, { thresholds }) {
    const all = traffic.checkpointsTimed + traffic.checkpointsRequested;
    const requested = traffic.checkpointsRequested / Math.max(all, 1);
    if (all < thresholds.checkpointsMin || requested <= thresholds.checkpointsRequestedShare)
      return CLEAN;
    return one({
      severity: "warning",
      title: `${percent(requested)} of the checkpoints were forced before their time`,
      subject: "max_wal_size",
      evidence: known([
        count("Forced", traffic.checkpointsRequested),
        count("By time", traffic.checkpointsTimed),
        share("Share", requested),
        spanned(traffic),
      ]),
      fix: sqlFix(
        [
          "show max_wal_size;",
          "alter system set max_wal_size = '4GB';",
          "select pg_reload_conf();",
        ],
        "Raise it until checkpoints come by time; recovery after a crash takes longer with it, the disk needs the room.",
      ),
    });
  },
};

export const statementsEvicted: TrafficCheck = {
  id: "health/statements-evicted",
  looksAt: "Statements that pg_stat_statements had to forget",
  why: "Evicted statements lose their counters: totals and shares are too low, and rare slow statements are missing.",
  thresholds: ["statementsEvictedPerHour"],
  judge(traffic, { thresholds }) {
    const evicted = traffic.statementsEvicted ?? 0;
    if (evicted === 0) return CLEAN;
    const perHour = (evicted / (traffic.elapsedMs ?? HOUR_MS)) * HOUR_MS;
    if (perHour <= thresholds.statementsEvictedPerHour) return CLEAN;
    return one({
      severity: "info",
      title: "pg_stat_statements is too small for the statements of this server",
      subject: "pg_stat_statements.max",
      evidence: known([count("Evictions", evicted), spanned(traffic)]),
      fix: sqlFix(
        ["alter system set pg_stat_statements.max = 10000;"],
        "Takes a restart. Many entries that differ only in the length of a list want = any($1) instead of in ($1, $2, …).",
      ),
    });
  },
};
