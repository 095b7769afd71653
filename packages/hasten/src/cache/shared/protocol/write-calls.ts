import { randomBytes } from "node:crypto";
import type { RedisArgument } from "../../../redis/index.ts";
import { prefixesOf } from "../../fence.ts";
import { encodeBody } from "./entry-body.ts";
import { replyUnexpected } from "./errors.ts";
import { keyName, prefixName, tagName } from "./names.ts";
import { clockIn, listOf, numberIn, runIdOf, textIn, wholeMs, writtenIn } from "./replies.ts";
import {
  fill as fillScript,
  increment as incrementScript,
  invalidate as invalidateScript,
  put as putScript,
} from "./scripts.generated.ts";
import type {
  EntryBody,
  FillAnswer,
  FillRefusal,
  InvalidatedNames,
  InvalidateRequest,
  Shard,
  ShardCalls,
  WriteAnswer,
} from "./types.ts";

/** Of one call: a script stops the server for as long as it runs. */
export const NAMES_MAX = 1_000;
const REFUSALS: ReadonlySet<string> = new Set<FillRefusal>([
  "lost",
  "cleared",
  "floor",
  "marked",
  "record",
  "newer",
]);

/** An epoch that nobody else has. */
export const newEpoch = (): string => randomBytes(8).toString("hex");

type WriteCalls = Pick<ShardCalls, "fill" | "invalidate" | "put" | "increment">;

export function writeCalls(shard: Shard): WriteCalls {
  const { link, space } = shard;
  const keys = [`${space}clk`];
  const logMax = String(shard.logMax);
  const marksMax = String(shard.marksMax);

  const invalidatePart = async (
    request: InvalidateRequest,
    part: InvalidatedNames,
  ): Promise<WriteAnswer> => {
    const cleared = part.how === "cleared";
    const deletes = cleared ? request.softly !== true : part.how === "deleted";
    const values: RedisArgument[] = [runIdOf(shard), newEpoch(), deletes ? "d" : "x"];
    values.push(cleared ? "1" : "0", request.body(part), logMax, marksMax);
    for (const key of part.keys) values.push(keyName(key));
    for (const tag of part.tags) values.push(tagName(tag));
    for (const prefix of part.prefixes) values.push(prefixName(prefix));
    const reply = await link.script(invalidateScript, keys, values);
    return writtenIn("INVALIDATE", listOf("INVALIDATE", reply), 0);
  };

  return {
    async fill({ key, capture, entry, keepMs, holder, wake }): Promise<FillAnswer> {
      const body = encodeBody(entry);
      if (body === undefined) return { kind: "refused", because: "too large", clock: undefined };
      const values: RedisArgument[] = [runIdOf(shard), capture.epoch, String(capture.seq)];
      values.push(keyName(key), holder ?? "", wholeMs(keepMs), wake, logMax, body);
      values.push(...entry.tags.map(tagName), ...prefixesOf(key).map(prefixName));
      const reply = listOf("FILL", await link.script(fillScript, keys, values));
      const outcome = textIn("FILL", reply[0]);
      if (outcome === "stored") return { kind: "stored", clock: clockIn("FILL", reply[1]) };
      if (!REFUSALS.has(outcome)) throw replyUnexpected("FILL", "an unknown outcome");
      const clock = reply[1] === null ? undefined : clockIn("FILL", reply[1]);
      return { kind: "refused", because: outcome as FillRefusal, clock };
    },
    async invalidate(request) {
      const answers = await Promise.all(
        partsOf(request).map((part) => invalidatePart(request, part)),
      );
      const { clock } = answers.at(-1)!;
      return { clock, renewed: answers.some((answer) => answer.renewed) };
    },
    async put({ key, entry, keepMs, body }) {
      const values: RedisArgument[] = [runIdOf(shard), newEpoch(), keyName(key), wholeMs(keepMs)];
      values.push(body, logMax, marksMax, encoded(entry));
      values.push(...entry.tags.map(tagName), ...prefixesOf(key).map(prefixName));
      const reply = await link.script(putScript, keys, values);
      return writtenIn("PUT", listOf("PUT", reply), 0);
    },
    async increment({ key, by, entry, keepMs, body }) {
      const prefixes = prefixesOf(key).map(prefixName);
      const values: RedisArgument[] = [runIdOf(shard), newEpoch(), keyName(key), wholeMs(keepMs)];
      values.push(body, logMax, marksMax, encoded(entry), String(by), String(prefixes.length));
      values.push(...prefixes, ...entry.tags.map(tagName));
      const reply = listOf("INCREMENT", await link.script(incrementScript, keys, values));
      const kind = textIn("INCREMENT", reply[0]);
      if (kind === "notNumber") return { kind };
      if (kind !== "added") throw replyUnexpected("INCREMENT", "an unknown outcome");
      const value = numberIn("INCREMENT", reply[1]);
      return { kind, value, ...writtenIn("INCREMENT", reply, 2) };
    },
  };
}

function encoded(entry: EntryBody): Buffer {
  const body = encodeBody(entry);
  if (body === undefined) throw new RangeError("Too many or too long tags for an entry in Redis.");
  return body;
}

/** At most `NAMES_MAX` names each; everything cleared is one. */
export function partsOf(request: InvalidatedNames): readonly InvalidatedNames[] {
  const { how, keys, tags, prefixes } = request;
  const count = keys.length + tags.length + prefixes.length;
  if (count <= NAMES_MAX) return [{ how, keys, tags, prefixes }];
  const parts: InvalidatedNames[] = [];
  for (let from = 0; from < count; from += NAMES_MAX) {
    const slice = (list: readonly string[], before: number): readonly string[] =>
      list.slice(Math.max(0, from - before), Math.max(0, from + NAMES_MAX - before));
    parts.push({
      how,
      keys: slice(keys, 0),
      tags: slice(tags, keys.length),
      prefixes: slice(prefixes, keys.length + tags.length),
    });
  }
  return parts;
}
