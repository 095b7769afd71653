/** Characters of an expression that are kept when its constants are taken out. */
const SHOWN_MAX = 300;

/**
 * Strings (with E, B and X forms), quoted names and casts of names (both kept), numbers. A number
 * within a name, a parameter (`$1`) or "InitPlan 1" is no constant.
 */
const TOKENS =
  /[EBX]?'(?:[^'\\]|''|\\.)*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\b(?:Init|Sub)Plan \d+|\$\d+|[\p{L}_][\p{L}\p{N}_$]*|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/giu;

/**
 * An expression as EXPLAIN prints it, with `?` for every constant; at most 300 characters.
 * Names of columns, functions and types stay.
 */
export function withoutConstants(expression: string): string {
  const replaced = stripConstants(expression.slice(0, 20 * SHOWN_MAX));
  return replaced.length > SHOWN_MAX ? `${replaced.slice(0, SHOWN_MAX - 1)}…` : replaced;
}

/** The same without a bound: for reading on, not for showing. */
export function stripConstants(expression: string): string {
  return expression.replace(TOKENS, (token) => {
    if (token.startsWith('"') || token.startsWith("$") || /^(Init|Sub)Plan /.test(token))
      return token;
    if (/^[EBX]?'/i.test(token) || /^-?\d/.test(token)) return "?";
    return token;
  });
}
