import { SQL_TAG_PREFIX } from "../core/sql-tag.ts";
import { tagInvalid } from "./errors.ts";

const TAG_LENGTH_MAX = 512;

/** Throws HST_CACHE_TAG unless every tag is a string of 1 to 512 characters. */
export function checkTags(tags: readonly string[]): readonly string[] {
  for (const tag of tags) {
    if (typeof tag !== "string") throw tagInvalid(`it is ${tag === null ? "null" : typeof tag}`);
    if (tag.length === 0) throw tagInvalid("it is empty");
    if (tag.length > TAG_LENGTH_MAX) throw tagInvalid(`it has ${tag.length} characters`);
  }
  return tags;
}

/** The same for tags to keep something under: those that stand for rows are not given by hand. */
export function checkOwnTags(tags: readonly string[]): readonly string[] {
  for (const tag of checkTags(tags)) {
    if (tag.startsWith(SQL_TAG_PREFIX))
      throw tagInvalid(`${JSON.stringify(tag)} begins with ${SQL_TAG_PREFIX}, which is reserved`);
  }
  return tags;
}
