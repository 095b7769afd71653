import { identifier } from "../parse/identifier.ts";

/** An escape string, a string, or a quoted identifier. */
const QUOTED = /(?<![\w$])[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"((?:[^"]|"")+)"/gs;

/**
 * The same statement as people write it: identifiers quoted only where PostgreSQL needs it. Strings
 * are left as they are.
 */
export function readable(sql: string): string {
  return sql.replaceAll(QUOTED, (whole, name: string | undefined) =>
    name === undefined ? whole : identifier(name.replaceAll('""', '"')),
  );
}
