import { HastenError } from "../../../core/errors.ts";

export const counterUnavailable = (key: string, because: string): HastenError =>
  new HastenError(
    "HST_CACHE_UNAVAILABLE",
    `Whether ${key} was incremented is not known: ${because}`,
    "It is never sent twice. Read the number before trying again, or count somewhere else as well.",
  );
