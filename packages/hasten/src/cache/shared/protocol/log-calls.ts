import type { RedisArgument, RedisReply } from "../../../redis/index.ts";
import type { Capture } from "../port.ts";
import { parseClock } from "./clock-record.ts";
import { replyUnexpected } from "./errors.ts";
import { tagName, textOf } from "./names.ts";
import { bytesIn, clockIn, listOf, numberIn, runIdOf, textIn, wholeMs } from "./replies.ts";
import {
  confirm as confirmScript,
  leave as leaveScript,
  renew as renewScript,
} from "./scripts.generated.ts";
import type {
  ConfirmAnswer,
  LeaveAnswer,
  LeaveRequest,
  LogEntry,
  Shard,
  ShardCalls,
  SourceRecord,
} from "./types.ts";
import { newEpoch } from "./write-calls.ts";

type LogCalls = Pick<ShardCalls, "confirm" | "renew" | "leave">;

export function logCalls(shard: Shard): LogCalls {
  const { link, space } = shard;
  const keys = [`${space}clk`];
  return {
    async confirm(position, countMax): Promise<ConfirmAnswer> {
      const values = [String(position), String(countMax)];
      const reply = listOf("CONFIRM", await link.script(confirmScript, keys, values));
      const clock = Buffer.isBuffer(reply[0]) ? parseClock(reply[0]) : undefined;
      const [seconds, micros] = listOf("TIME", reply[1]);
      return {
        clock: clock?.runId === link.server?.runId ? clock : undefined,
        redisMs: numberIn("TIME", seconds) * 1_000 + numberIn("TIME", micros) / 1_000,
        entries: listOf("XRANGE", reply[2]).map(logEntry),
        sources: sourcesIn(listOf("HGETALL", reply[3])),
      };
    },
    async renew(expected) {
      const values = [runIdOf(shard), expected ?? "", newEpoch()];
      return clockIn("RENEW", await link.script(renewScript, keys, values));
    },
    async leave(request: LeaveRequest): Promise<LeaveAnswer> {
      const { source, expected, record, leaseMs, onlyIfOver, wake } = request;
      const values: RedisArgument[] = [runIdOf(shard), tagName(source)];
      values.push(expected === undefined ? "0" : "1", expected ?? "");
      values.push(record === undefined ? "0" : "1", record ?? "", wholeMs(leaseMs));
      values.push(onlyIfOver ? "1" : "0", wake ?? "", String(shard.logMax));
      const reply = listOf("LEAVE", await link.script(leaveScript, keys, values));
      const kind = textIn("LEAVE", reply[0]);
      if (kind === "left" || kind === "lost") return { kind };
      if (kind !== "other") throw replyUnexpected("LEAVE", "an unknown outcome");
      const there = reply[1] === null ? undefined : textIn("LEAVE", reply[1]);
      return { kind, record: there, over: numberIn("LEAVE", reply[2]) === 1 };
    },
  };
}

/** An ID that is none of ours gives NaN, which `judgeLog` takes as a gap. */
function logEntry(reply: RedisReply): LogEntry {
  const [id, fields] = listOf("XRANGE", reply);
  const position = /^(\d+)-0$/.exec(textIn("XRANGE", id))?.[1];
  const [name, body] = listOf("XRANGE", fields);
  const ours = position !== undefined && textIn("XRANGE", name) === "b";
  return { position: ours ? Number(position) : Number.NaN, body: bytesIn("XRANGE", body) };
}

function sourcesIn(reply: readonly RedisReply[]): ReadonlyMap<string, SourceRecord> {
  const sources = new Map<string, SourceRecord>();
  for (let index = 0; index + 1 < reply.length; index += 2) {
    const text = textIn("HGETALL", reply[index + 1]);
    const space = text.indexOf(" ");
    const untilRedisMs = Number(text.slice(0, space));
    if (space < 1 || !Number.isFinite(untilRedisMs)) continue;
    const record = text.slice(space + 1);
    sources.set(textOf(textIn("HGETALL", reply[index])), { record, untilRedisMs });
  }
  return sources;
}

/** What a confirmation proves to who has applied the log up to a position of an epoch. */
export type LogJudgement =
  /** These come next; `complete`: with them everything up to the confirmation is applied. */
  | {
      readonly kind: "continues";
      readonly entries: readonly LogEntry[];
      readonly complete: boolean;
    }
  /** Invalidations may have been missed: everything that hangs on the log must go. */
  | { readonly kind: "gap"; readonly because: string };

export function judgeLog(
  answer: ConfirmAnswer,
  place: { readonly epoch: Capture["epoch"]; readonly position: number },
): LogJudgement {
  const { clock, entries } = answer;
  if (clock === undefined) return gap("the clock is missing or another server's");
  if (clock.epoch !== place.epoch) return gap("another epoch began");
  if (clock.head < place.position) return gap("the log went back");
  let position = place.position;
  for (const entry of entries) {
    position += 1;
    if (entry.position !== position) return gap("entries of the log are missing");
  }
  if (position > clock.head) return gap("the log is ahead of its clock");
  if (entries.length === 0 && position < clock.head) return gap("entries of the log are missing");
  return { kind: "continues", entries, complete: position === clock.head };
}

function gap(because: string): LogJudgement {
  return { kind: "gap", because };
}
