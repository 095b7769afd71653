/**
 * The `sql` tag.
 *
 * Invariants:
 * - The text is made only of template literals' own pieces, quoted identifiers and text passed to
 *   `trustedSql`; a value becomes a parameter (`$1`), never text.
 * - Only objects made here compose: an object of the same shape (say, from a JSON body) is a value.
 * - Composition keeps the order of values; numbering is done once, for the outermost statement.
 */
import { sqlInvalid, valueInvalid } from "./errors.ts";
import { quoteQualified } from "./ident.ts";

/** Most parameters one statement can have: the protocol counts them in 16 bits. */
export const VALUES_MAX = 65_535;

/** What any PostgreSQL driver takes: text with `$1`, `$2`… and the values. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** A piece of SQL with its values. Made by the `sql` tag, `ident` and `trustedSql` only. */
export class Sql implements Statement {
  readonly #pieces: readonly string[];
  readonly #values: readonly unknown[];
  #text: string | undefined;

  /** Internal: `pieces` has one element more than `values`. */
  constructor(pieces: readonly string[], values: readonly unknown[], made: typeof MADE_HERE) {
    if (made !== MADE_HERE)
      throw sqlInvalid("Sql cannot be constructed directly.", "Use the sql tag.");
    this.#pieces = pieces;
    this.#values = values;
  }

  /** The text with `$1`… in place of the values. */
  get text(): string {
    this.#text ??= this.#pieces.reduce((text, piece, index) => `${text}$${index}${piece}`);
    return this.#text;
  }

  get values(): readonly unknown[] {
    return this.#values;
  }

  /** Text pieces between the values; one more than there are values. */
  get pieces(): readonly string[] {
    return this.#pieces;
  }

  /** True for what this module made; an object that merely looks like it is not. */
  static is(value: unknown): value is Sql {
    return typeof value === "object" && value !== null && #pieces in value;
  }
}

const MADE_HERE: unique symbol = Symbol("made by the sql tag");

const make = (pieces: readonly string[], values: readonly unknown[]): Sql => {
  if (values.length > VALUES_MAX)
    throw sqlInvalid(
      `A statement has at most ${VALUES_MAX} values, got ${values.length}.`,
      "Pass one array and use = any(…) or unnest(…), or write in batches.",
    );
  return new Sql(pieces, values, MADE_HERE);
};

/** The tag, with its companions. */
export interface SqlTag {
  /**
   * SQL with every `${value}` sent as a parameter; `${sql`…`}` composes.
   * Arrays become PostgreSQL arrays, plain objects JSON, Dates `timestamptz`; use `sql.json` for a
   * JSON array. @throws HST_PG_VALUE for undefined, functions, symbols and invalid dates.
   */
  (strings: TemplateStringsArray, ...values: readonly unknown[]): Sql;
  /** Nothing: for an absent condition. */
  readonly empty: Sql;
  /** Joins pieces (or values) by a separator, default `, `. An empty list gives empty SQL. */
  join(parts: readonly unknown[], separator?: Sql): Sql;
  /** One parameter holding the value as JSON text: needed where an array goes to a json column. */
  json(value: unknown): Sql;
}

function tag(strings: TemplateStringsArray, ...values: readonly unknown[]): Sql {
  return weave(strings, values);
}

function weave(strings: readonly string[], parts: readonly unknown[]): Sql {
  const pieces: string[] = [strings[0]!];
  const values: unknown[] = [];
  parts.forEach((part, index) => {
    const after = strings[index + 1]!;
    if (!Sql.is(part)) {
      values.push(checked(part, values.length + 1));
      pieces.push(after);
      return;
    }
    const [first, ...rest] = part.pieces;
    pieces[pieces.length - 1] += first!;
    for (const value of part.values) values.push(value);
    for (const piece of rest) pieces.push(piece);
    pieces[pieces.length - 1] += after;
  });
  return make(pieces, values);
}

/** Refuses what the driver would turn into a silent NULL or into nonsense. */
export function checked(value: unknown, position: number): unknown {
  if (value === undefined) throw valueInvalid(position, "undefined");
  if (typeof value === "function" || typeof value === "symbol")
    throw valueInvalid(position, `a ${typeof value}`);
  if (value instanceof Date && Number.isNaN(value.getTime()))
    throw valueInvalid(position, "an invalid Date");
  return value;
}

const COMMA: Sql = make([", "], []);

function join(parts: readonly unknown[], separator: Sql = COMMA): Sql {
  const spaced: unknown[] = [];
  parts.forEach((part, index) => {
    if (index > 0) spaced.push(separator);
    spaced.push(part);
  });
  return weave(Array<string>(spaced.length + 1).fill(""), spaced);
}

/** Builds statements; see {@link SqlTag}. */
export const sql: SqlTag = Object.assign(tag, {
  empty: make([""], []),
  join,
  json: (value: unknown): Sql => weave(["", ""], [JSON.stringify(value) ?? null]),
});

/** A quoted, optionally qualified identifier: `ident("public", "orders")`. */
export function ident(...parts: readonly string[]): Sql {
  return make([quoteQualified(parts)], []);
}

/**
 * SQL text taken as it is. For constants written in the program, never for anything that came
 * from a request: this is the one door through which injection could enter.
 */
export function trustedSql(text: string): Sql {
  return make([text], []);
}
