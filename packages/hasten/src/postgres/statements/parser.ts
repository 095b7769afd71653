/** PostgreSQL's own parser, loaded when the first statement is analysed. */
import { isTree, listOf, type Typed, typed } from "./tree.ts";

export type ParseText = (text: string) => readonly Typed[];

let loading: Promise<ParseText> | undefined;

/** Rejects where the optional peer `libpg-query` is not installed. */
export function loadParser(): Promise<ParseText> {
  loading ??= load();
  return loading;
}

async function load(): Promise<ParseText> {
  const { loadModule, parseSync } = await import("libpg-query");
  await loadModule();
  return (text) => {
    // The parser refuses what the server takes for a statement that does nothing.
    if (text.trim() === "") return [];
    const result: unknown = parseSync(text);
    const statements = listOf(isTree(result) ? result["stmts"] : undefined);
    return statements.map((statement) => {
      const node = typed(isTree(statement) ? statement["stmt"] : undefined);
      if (node === undefined) throw new TypeError("a statement without a type");
      return node;
    });
  };
}
