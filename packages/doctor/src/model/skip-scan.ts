import type { RawPlan } from "./types.ts";

/** Key columns of a b-tree in order, as they stand in a condition: a column's name or an expression. */
export type KeysOf = (index: string) => readonly string[] | undefined;

const INDEX_SCANS = new Set(["Index Scan", "Index Only Scan", "Bitmap Index Scan"]);

/**
 * Whether some scan of the plan restricts a key column of a b-tree without any condition on one
 * before it. Version 18 can skip through the values of that one; earlier versions would read the
 * whole index, so that the plan's cost does not hold for them.
 */
export function reliesOnSkipScan(plan: RawPlan, keysOf: KeysOf): boolean {
  return skips(plan, keysOf) || (plan.Plans ?? []).some((child) => reliesOnSkipScan(child, keysOf));
}

function skips(node: RawPlan, keysOf: KeysOf): boolean {
  const { "Index Cond": condition, "Index Name": name, Alias: alias } = node;
  if (!INDEX_SCANS.has(node["Node Type"])) return false;
  if (typeof condition !== "string" || typeof name !== "string") return false;
  const keys = keysOf(name);
  if (keys === undefined) return false;
  const text = withoutLiterals(condition);
  const restricted = keys.map((key) =>
    mentions(text, key, typeof alias === "string" ? alias : undefined),
  );
  const first = restricted.indexOf(false);
  return first !== -1 && restricted.includes(true, first);
}

function withoutLiterals(condition: string): string {
  return condition.replaceAll(/'(?:[^']|'')*'/g, "''");
}

/** Whether the condition names the key as its own table's: bare, or with the scan's alias. */
function mentions(condition: string, key: string, alias: string | undefined): boolean {
  const isColumn = /^"(?:[^"]|"")+"$|^[\w$]+$/.test(key);
  if (!isColumn) return condition.includes(key) || condition.includes(unqualified(key));
  const spelled = key.startsWith('"') ? [key] : [key, `"${key}"`];
  return spelled.some((name) => names(condition, name, alias));
}

function unqualified(expression: string): string {
  return expression.replace(/^\((.*)\)$/s, "$1");
}

function names(condition: string, name: string, alias: string | undefined): boolean {
  for (let at = condition.indexOf(name); at !== -1; at = condition.indexOf(name, at + 1)) {
    const before = condition.slice(0, at);
    const after = condition[at + name.length];
    if (after !== undefined && /[\w$".]/.test(after)) continue;
    if (/[\w$"]$/.test(before)) continue;
    if (!before.endsWith(".")) return true;
    if (alias !== undefined && (before.endsWith(`${alias}.`) || before.endsWith(`"${alias}".`)))
      return true;
  }
  return false;
}
