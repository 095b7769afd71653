/** Types as PostgreSQL prints them, by their plain names. */
const TYPES: Readonly<Record<string, string>> = {
  bigint: "int8",
  integer: "int4",
  smallint: "int2",
  boolean: "bool",
  "double precision": "float8",
  real: "float4",
  "character varying": "varchar",
  "timestamp without time zone": "timestamp",
  "timestamp with time zone": "timestamptz",
};

const TYPE = String.raw`(?:"?[a-z_]\w*"?\.)?(?:double precision|character varying|timestamp with(?:out)? time zone|"?[a-z_]\w*"?)(?:\(\d+(?:,\d+)?\))?(?:\[\])?`;
/** The cast is optional so that each literal is taken once: the search stays linear. */
const LITERAL_CAST = new RegExp(
  String.raw`('(?:[^']|'')*'|\(-?[\d.]+\)|(?<![\w.])[\d.]+)(?:::${TYPE})?`,
  "gi",
);
const TEXT_CAST = /::(?:"?pg_catalog"?\.)?"?(?:text|character varying|varchar)"?(?:\[\])?/gi;

/**
 * Two texts of one expression, ours and PostgreSQL's own (`pg_get_indexdef`), made equal: white
 * space, parentheses, quotes of names, schemas, casts of literals and to text go; types have their
 * plain names; `= ANY (ARRAY[…])` is `in`. Only for comparing: it is no SQL any more.
 */
export function canonical(sql: string | undefined): string {
  let text = (sql ?? "").replace(LITERAL_CAST, "$1").replace(TEXT_CAST, "");
  for (const [printed, plain] of Object.entries(TYPES))
    text = text.replace(new RegExp(`::${printed}\\b`, "gi"), `::${plain}`);
  return text
    .replace(/<>\s*ALL\s*\(\(?ARRAY\[([^\]]*)\]\)?/gi, "not in ($1")
    .replace(/=\s*ANY\s*\(\(?ARRAY\[([^\]]*)\]\)?/gi, "in ($1")
    .replace(/extract\(\s*'?(\w+)'?\s+from\s+/gi, "extract('$1',")
    .replace(/(\b\w+"?|"\w+"?) AT TIME ZONE ('(?:[^']|'')*')/gi, "timezone($2, $1)")
    .replace(/"?pg_catalog"?\./gi, "")
    .replace(/[\s()"]/g, "")
    .toLowerCase();
}
