/** Looks at what was decoded: it may be anybody's. Each returns what it was given, or throws. */

/** Bytes that are no stored response. Never leaves the cache. */
export function malformed(what: string): Error {
  return new TypeError(`this is no stored response: ${what}`);
}

export function asText(value: unknown): string {
  if (typeof value !== "string") throw malformed("a text is missing");
  return value;
}

export function asNumber(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw malformed("a number is missing");
  return value;
}

export function asBoolean(value: unknown): boolean {
  if (typeof value !== "boolean") throw malformed("a flag is missing");
  return value;
}

export function asList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed("a list is missing");
  return value;
}

export function asTexts(value: unknown): readonly string[] {
  const list = asList(value);
  for (const text of list) asText(text);
  return list as readonly string[];
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw malformed("a record is missing");
  return value as Readonly<Record<string, unknown>>;
}

export function asBytes(value: unknown): Buffer {
  if (!(value instanceof Uint8Array)) throw malformed("bytes are missing");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

export function asOptional<V>(value: unknown, as: (value: unknown) => V): V | undefined {
  return value === undefined ? undefined : as(value);
}
