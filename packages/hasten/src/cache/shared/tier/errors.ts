import { HastenError } from "../../../core/errors.ts";
import { RedisError } from "../../../redis/index.ts";

/** Redis was not asked, or did nothing. */
export const counterUnavailable = (key: string, because: string): HastenError =>
  new HastenError(
    "HST_CACHE_UNAVAILABLE",
    `${key} was not incremented: ${because}`,
    "Try again when Redis is there, or count somewhere else as well.",
  );

/** An increment that was sent; of most errors nobody can say whether it was done. */
export const counterFailed = (key: string, because: string, error: unknown): HastenError =>
  error instanceof RedisError && !error.outcomeUnknown
    ? counterUnavailable(key, because)
    : new HastenError(
        "HST_CACHE_UNAVAILABLE",
        `Whether ${key} was incremented is not known: ${because}`,
        "It is never sent twice. Read the number before trying again, or count somewhere else as well.",
      );
