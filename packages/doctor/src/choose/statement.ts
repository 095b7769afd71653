import type { Parser } from "../parse/parse.ts";
import { field } from "./written.ts";

const DEPTH_MAX = 300;

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
