/** A parse tree is plain JSON; this visits every object of it. */
export type Fields = Readonly<Record<string, unknown>>;

/** A tree with more objects, or deeper, is not looked at: whoever asks treats it as unknown. */
export const TREE_OBJECTS_MAX = 200_000;
export const TREE_DEPTH_MAX = 1_000;

/** Calls `visit` with every object and the key it stands under; false when the tree is too large. */
export function walk(tree: unknown, visit: (node: Fields, key: string) => void): boolean {
  // An own stack: the depth of the text must not become that of the program's.
  const waiting: { value: unknown; key: string; depth: number }[] = [
    { value: tree, key: "", depth: 0 },
  ];
  let seen = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, key, depth } = next;
    if (Array.isArray(value)) {
      for (const item of value) waiting.push({ value: item, key, depth: depth + 1 });
      continue;
    }
    if (!isFields(value)) continue;
    seen += 1;
    if (seen > TREE_OBJECTS_MAX || depth > TREE_DEPTH_MAX) return false;
    visit(value, key);
    for (const [name, item] of Object.entries(value))
      if (typeof item === "object" && item !== null)
        waiting.push({ value: item, key: name, depth: depth + 1 });
  }
  return true;
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The parts of a qualified name: a list of String nodes. */
export function namesOf(list: unknown): readonly string[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    const text = isFields(item) && isFields(item["String"]) ? item["String"]["sval"] : undefined;
    return typeof text === "string" ? [text] : [];
  });
}
