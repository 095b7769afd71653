/** A node's fields as the parser gives them: plain JSON, defaults left out. */
export interface Tree {
  readonly [field: string]: unknown;
}

/** A node with its type around it: `{ SelectStmt: { … } }`. */
export interface Typed {
  readonly type: string;
  readonly tree: Tree;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Undefined for what is no node with exactly one type: an empty place in a list, for one. */
export function typed(value: unknown): Typed | undefined {
  if (!isTree(value)) return undefined;
  const [type, ...more] = Object.keys(value);
  if (type === undefined || more.length > 0) return undefined;
  const tree = value[type];
  return isTree(tree) ? { type, tree } : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The texts of a list of String nodes; undefined where another node is among them. */
export function names(value: unknown): readonly string[] | undefined {
  const found: string[] = [];
  for (const item of listOf(value)) {
    const node = typed(item);
    if (node?.type !== "String") return undefined;
    found.push(text(node.tree["sval"]));
  }
  return found;
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** `schema.name` or `name`; undefined for anything longer or shorter. */
export function qualified(value: unknown): QualifiedName | undefined {
  const parts = names(value);
  if (parts === undefined) return undefined;
  if (parts.length === 1) return { schema: undefined, name: parts[0]! };
  return parts.length === 2 ? { schema: parts[0], name: parts[1]! } : undefined;
}

export interface QualifiedName {
  readonly schema: string | undefined;
  readonly name: string;
}
