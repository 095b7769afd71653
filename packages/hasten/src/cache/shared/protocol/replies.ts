/** Checked readings of replies: what the protocol does not have is HST_REDIS_REPLY, never a crash. */
import type { RedisReply } from "../../../redis/index.ts";
import { parseClock } from "./clock-record.ts";
import { replyUnexpected, serverUnknown } from "./errors.ts";
import type { ClockRecord, Shard, WriteAnswer } from "./types.ts";

export function listOf(call: string, reply: RedisReply | undefined): readonly RedisReply[] {
  if (!Array.isArray(reply)) throw replyUnexpected(call, kindOf(reply));
  return reply as readonly RedisReply[];
}

export function textIn(call: string, reply: RedisReply | undefined): string {
  if (typeof reply === "string") return reply;
  if (!Buffer.isBuffer(reply)) throw replyUnexpected(call, kindOf(reply));
  return reply.toString("utf8");
}

export function bytesIn(call: string, reply: RedisReply | undefined): Buffer {
  if (!Buffer.isBuffer(reply)) throw replyUnexpected(call, kindOf(reply));
  return reply;
}

/** Also of a number as text. */
export function numberIn(call: string, reply: RedisReply | undefined): number {
  const number = typeof reply === "number" ? reply : Number(textIn(call, reply));
  if (!Number.isFinite(number)) throw replyUnexpected(call, "something that is no number");
  return number;
}

export function clockIn(call: string, reply: RedisReply | undefined): ClockRecord {
  const clock = parseClock(bytesIn(call, reply));
  if (clock === undefined) throw replyUnexpected(call, "something that is no clock");
  return clock;
}

/** `{ clock, 1 if it began anew }` from an index on. */
export function writtenIn(call: string, reply: readonly RedisReply[], index: number): WriteAnswer {
  const clock = clockIn(call, reply[index]);
  return { clock, renewed: numberIn(call, reply[index + 1]) === 1 };
}

/** Of the connection that the next call will go to. */
export function runIdOf(shard: Shard): string {
  const { server } = shard.link;
  if (server === undefined) throw serverUnknown();
  return server.runId;
}

/** Whole milliseconds that PX takes. */
export function wholeMs(ms: number): string {
  return String(Math.min(Math.max(1, Math.ceil(ms)), KEEP_MS_MAX));
}

/** Ten years. */
const KEEP_MS_MAX = 315_360_000_000;

function kindOf(reply: RedisReply | undefined): string {
  if (reply === null || reply === undefined) return "nothing";
  if (Array.isArray(reply)) return `a list of ${reply.length}`;
  return Buffer.isBuffer(reply) ? `${reply.length} bytes` : `a ${typeof reply}`;
}
