import type { Parser } from "../parse/parse.ts";
import { field } from "./written.ts";

const DEPTH_MAX = 300;
const EXPLAINABLE = new Set(["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"]);

/** Whether a text is exactly one statement that EXPLAIN plans without running anything. */
export function isExplainable(text: string, parser: Parser): boolean {
  const statements = parser.parse(text);
  const [only] = statements ?? [];
  return (
    statements?.length === 1 &&
    only !== undefined &&
    Object.keys(only.tree).every((kind) => EXPLAINABLE.has(kind))
  );
}

/** The highest `$n` of a text; 0 when it has none or does not parse. */
export function parametersOf(text: string, parser: Parser): number {
  let highest = 0;
  const visit = (value: unknown, depth: number): void => {
    if (depth > DEPTH_MAX || typeof value !== "object" || value === null) return;
    const number = field(field(value, "ParamRef"), "number");
    if (typeof number === "number") highest = Math.max(highest, number);
    for (const child of Object.values(value)) visit(child, depth + 1);
  };
  for (const { tree } of parser.parse(text) ?? []) visit(tree, 0);
  return highest;
}
