import { HastenError } from "../../../core/errors.ts";
import { RedisError } from "../../../redis/index.ts";

/** Nothing of the answer is in the message: it may hold values. */
export const replyUnexpected = (call: string, got: string): HastenError =>
  new HastenError(
    "HST_REDIS_REPLY",
    `Redis answered ${call} with ${got}.`,
    "Is it Redis 6.2 or later, or Valkey, without a proxy in between that changes replies?",
  );

export const serverUnknown = (): RedisError =>
  new RedisError("HST_REDIS_UNAVAILABLE", "There is no connection to Redis now.");
