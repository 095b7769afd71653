/**
 * Which built-in functions, operators and casts may stand in an index: those whose result never
 * depends on a setting or the time. Types are plain names of pg_type; "unknown" is a bare literal.
 */
const TEXT: ReadonlySet<string> = new Set(["text", "varchar", "bpchar"]);
const NUMBER: ReadonlySet<string> = new Set([
  "int2",
  "int4",
  "int8",
  "numeric",
  "float4",
  "float8",
]);

export function isText(type: string | undefined): boolean {
  return type !== undefined && TEXT.has(type);
}

export function isNumber(type: string | undefined): boolean {
  return type !== undefined && NUMBER.has(type);
}

const TEXT_TO_TEXT = new Set([
  "lower",
  "upper",
  "initcap",
  "btrim",
  "ltrim",
  "rtrim",
  "substr",
  "substring",
  "left",
  "right",
  "reverse",
  "replace",
  "split_part",
  "md5",
  "translate",
  "lpad",
  "rpad",
  "regexp_replace",
]);
const TEXT_TO_NUMBER = new Set([
  "length",
  "char_length",
  "character_length",
  "octet_length",
  "strpos",
  "ascii",
]);
const NUMBER_TO_NUMBER = new Set([
  "abs",
  "round",
  "floor",
  "ceil",
  "ceiling",
  "trunc",
  "sign",
  "mod",
]);
/** Over timestamps without time zone and dates; with a zone they depend on a setting. */
const DATE_PART = new Set(["extract", "date_part"]);
const JSON_PATH: Readonly<Record<string, string>> = {
  jsonb_extract_path_text: "text",
  json_extract_path_text: "text",
  jsonb_extract_path: "jsonb",
  jsonb_array_length: "int4",
  jsonb_typeof: "text",
};

/** Type of a function's result; undefined when it may not stand in an index. */
export function functionType(name: string, types: readonly string[]): string | undefined {
  const [first = "", second = ""] = types;
  if (TEXT_TO_TEXT.has(name)) return isText(first) ? "text" : undefined;
  if (TEXT_TO_NUMBER.has(name)) return isText(first) ? "int4" : undefined;
  if (NUMBER_TO_NUMBER.has(name)) return isNumber(first) ? first : undefined;
  if (DATE_PART.has(name)) return ["timestamp", "date"].includes(second) ? "numeric" : undefined;
  if (name in JSON_PATH) return first.startsWith("json") ? JSON_PATH[name] : undefined;
  return specialType(name, types);
}

function specialType(name: string, types: readonly string[]): string | undefined {
  const [first = "", second = ""] = types;
  switch (name) {
    case "date_trunc":
      return types.length === 2 && second === "timestamp" ? "timestamp" : undefined;
    case "timezone":
      if (types.length !== 2) return undefined;
      if (second === "timestamptz") return "timestamp";
      return second === "timestamp" ? "timestamptz" : undefined;
    case "date":
      return first === "timestamp" ? "date" : undefined;
    case "to_tsvector":
      // With one argument it depends on default_text_search_config.
      return types.length === 2 && (isText(second) || second === "jsonb") ? "tsvector" : undefined;
    case "setweight":
    case "strip":
      return first === "tsvector" ? "tsvector" : undefined;
    case "cardinality":
    case "array_length":
      return first.startsWith("_") ? "int4" : undefined;
    default:
      return undefined;
  }
}

/** Type of an operator's result; undefined when it may not stand in an index. */
export function operatorType(
  operator: string,
  left: string | undefined,
  right: string,
): string | undefined {
  if (left === "jsonb" || left === "json") {
    if (operator === "->>" || operator === "#>>") return "text";
    return operator === "->" || operator === "#>" ? left : undefined;
  }
  if (operator === "||") {
    const sides = [left, right].filter((type) => type !== "unknown");
    if (sides.length > 0 && sides.every(isText)) return "text";
    return sides.length === 2 && sides.every((type) => type === "tsvector")
      ? "tsvector"
      : undefined;
  }
  if (["+", "-", "*", "/", "%"].includes(operator)) {
    const numbers = (left === undefined || isNumber(left)) && isNumber(right);
    return numbers ? (left ?? right) : undefined;
  }
  return undefined;
}

const FROM_TEXT = new Set(["uuid", "bool", "jsonb", ...NUMBER]);
const CASTS: Readonly<Record<string, readonly string[]>> = {
  timestamp: ["date", "time"],
  date: ["timestamp"],
  uuid: ["text", "varchar"],
  bool: ["int4", "text", "varchar"],
  jsonb: ["text", "bool", ...NUMBER],
};

/** Whether the cast between two types depends on nothing but the value. */
export function castIsImmutable(from: string, to: string): boolean {
  if (from === to || from === "unknown") return true;
  if (TEXT.has(from)) return TEXT.has(to) || FROM_TEXT.has(to);
  if (NUMBER.has(from)) return NUMBER.has(to) || TEXT.has(to);
  return CASTS[from]?.includes(to) ?? false;
}
