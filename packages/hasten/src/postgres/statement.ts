import type { PgStatement } from "./driver.ts";
import { optionInvalid, sqlInvalid } from "./errors.ts";
import { checked, type Statement, VALUES_MAX } from "./sql.ts";

const NAME_BYTES_MAX = 63;
/** Longest text accepted, in characters. */
export const TEXT_CHARS_MAX = 1_000_000;

/** Checks a statement and puts it into the driver's form. */
export function toPgStatement(statement: Statement, name?: string): PgStatement {
  if (typeof statement !== "object" || statement === null || typeof statement.text !== "string")
    throw sqlInvalid(
      "A statement is made by the sql tag or is { text, values }.",
      "Write db.query(sql`select …`); a bare string is not accepted.",
    );
  const { text, values = [] } = statement;
  if (text.trim() === "") throw sqlInvalid("The statement is empty.", "Pass SQL text.");
  if (text.includes("\0"))
    throw sqlInvalid("The statement holds a NUL character.", "The protocol ends a text there.");
  if (text.length > TEXT_CHARS_MAX)
    throw sqlInvalid(
      `A statement has at most ${TEXT_CHARS_MAX} characters, got ${text.length}.`,
      "Pass data as values.",
    );
  if (values.length > VALUES_MAX)
    throw sqlInvalid(`A statement has at most ${VALUES_MAX} values.`, "Pass arrays.");
  values.forEach((value, index) => {
    checked(value, index + 1);
  });
  if (name === undefined) return { text, values, queryMode: "extended" };
  if (name === "" || Buffer.byteLength(name) > NAME_BYTES_MAX)
    throw optionInvalid("name", `1 to ${NAME_BYTES_MAX} bytes`, name);
  return { text, values, queryMode: "extended", name };
}
