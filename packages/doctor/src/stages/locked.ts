import type { Catalog } from "../catalog/types.ts";

const NAMED_MAX = 5;

/** What was left out because another session holds it: at most five names. */
export function lockedNotes({ locked = [] }: Pick<Catalog, "locked">): readonly string[] {
  if (locked.length === 0) return [];
  const more = locked.length > NAMED_MAX ? ` and ${locked.length - NAMED_MAX} more` : "";
  return [
    `Locked by another session and left out, with what reads them: ${locked.slice(0, NAMED_MAX).join(", ")}${more}. Run it again later.`,
  ];
}
