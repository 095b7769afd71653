import type { ReadingClient, WireField } from "./wire.ts";

/** Makes a row of the texts that came over the wire. */
export type RowReader = (texts: readonly (string | null)[]) => Record<string, unknown>;

/** Rows as `db.query` gives them: the same parsers, the same kind of object, columns in their order. */
export function rowReader(fields: readonly WireField[], client: ReadingClient): RowReader {
  const names = fields.map((field) => field.name);
  const parsers = fields.map((field) => client.getTypeParser(field.dataTypeID, "text"));
  const shape: Record<string, unknown> = {
    ...Object.fromEntries(names.map((name) => [name, null])),
  };
  const count = names.length;
  return (texts) => {
    const row = { ...shape };
    for (let index = 0; index < count; index++) {
      const text = texts[index]!;
      row[names[index]!] = text === null ? null : parsers[index]!(text);
    }
    return row;
  };
}
