/**
 * Header fields by lower-case name, as `req.headers` and `res.getHeaders()` give them.
 * Several lines of one field are an array.
 */
export type FieldRecord = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** One field's value, its lines joined by a comma (RFC 9110 §5.3); undefined when it is absent. */
export function fieldValue(fields: FieldRecord, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === "string") return value;
  return typeof value === "number" ? String(value) : value.join(", ");
}

/** True for RFC 9110 §5.6.2 `token` characters, given as a character code. */
export function isTokenCode(code: number): boolean {
  return code < 128 && TOKEN_CODES[code] === 1;
}

const TOKEN_CODES = new Uint8Array(128);
for (const character of "!#$%&'*+-.^_`|~0123456789") TOKEN_CODES[character.charCodeAt(0)] = 1;
for (let code = 65; code <= 90; code++) TOKEN_CODES[code] = TOKEN_CODES[code + 32] = 1;
