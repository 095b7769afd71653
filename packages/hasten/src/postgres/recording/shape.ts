/**
 * The shape of a text, remembered.
 *
 * Invariants:
 * - The same text has the same shape object while it is remembered; texts that differ only in their
 *   data share `statement`, and all that is found of it.
 * - Texts with literals of their own, of which there is no end, are remembered apart: they do not push
 *   out those that come again.
 */
import type { QueryShape, QueryTraits } from "../../core/trace/index.ts";
import { Memo } from "../statements/memo.ts";
import { canonicalText } from "./canonical-text.ts";
import { kindOf, modelOf, roleOf, tablesOf, traitsOf } from "./statement-facts.ts";

/** Texts that are remembered, in halves: a half is dropped when the other is full. */
const TEXTS_MAX = 4_000;
const LITERAL_TEXTS_MAX = 2_000;
const STATEMENTS_MAX = 4_000;
/** Longer texts are looked at each time. */
const TEXT_CHARS_MAX = 8_192;

const texts = new Memo<Shape>(TEXTS_MAX);
const literalTexts = new Memo<Shape>(LITERAL_TEXTS_MAX);
const statements = new Memo<Facts>(STATEMENTS_MAX);

/** What is known of a statement: shared by the texts of it. */
class Facts {
  readonly statement: string;
  readonly kind: string;
  readonly model: string;
  readonly role: QueryShape["role"];
  #traits: QueryTraits | undefined = undefined;

  constructor(statement: string) {
    const tables = tablesOf(statement);
    this.statement = statement;
    this.kind = kindOf(statement);
    this.model = modelOf(statement, this.kind, tables);
    this.role = roleOf(statement, this.kind, tables);
  }

  get traits(): QueryTraits {
    this.#traits ??= traitsOf(this.statement);
    return this.#traits;
  }
}

class Shape implements QueryShape {
  readonly statement: string;
  readonly role: QueryShape["role"];
  readonly #facts: Facts;

  constructor(facts: Facts) {
    this.statement = facts.statement;
    this.role = facts.role;
    this.#facts = facts;
  }

  get kind(): string {
    return this.#facts.kind;
  }

  get model(): string {
    return this.#facts.model;
  }

  get traits(): QueryTraits {
    return this.#facts.traits;
  }
}

/** What a text is apart from its data. */
export function shapeOf(text: string): QueryShape {
  return texts.get(text) ?? literalTexts.get(text) ?? look(text);
}

function look(text: string): Shape {
  const { statement, hasLiterals } = canonicalText(text);
  let facts = statements.get(statement);
  if (facts === undefined) {
    facts = new Facts(statement);
    statements.set(statement, facts);
  }
  const shape = new Shape(facts);
  if (text.length > TEXT_CHARS_MAX) return shape;
  (hasLiterals ? literalTexts : texts).set(text, shape);
  return shape;
}
