/** What is known of texts in one session: by text, and by text without its literals. */

import { type Outcome, readAnalysis } from "./analyse-text.ts";
import type { Analysis } from "./analysis.ts";
import { filled, literalsOf, withSlots } from "./literals.ts";
import { Memo } from "./memo.ts";

const TEXTS_MAX = 2_000;
const SHAPES_MAX = 1_000;

/** The analysis of a text with these literals. */
type Shape = (literals: readonly string[]) => Analysis;

export class Remembered {
  readonly #texts = new Memo<Analysis>(TEXTS_MAX);
  readonly #shapes = new Memo<Shape>(SHAPES_MAX);

  /** One look-up where the text is known; a lexer's pass where only its shape may be. */
  get(text: string): Analysis | undefined {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const literals = literalsOf(text);
    const shape = literals === undefined ? undefined : this.#shapes.get(literals.key);
    if (literals === undefined || shape === undefined) return undefined;
    const analysis = shape(literals.values);
    this.#texts.set(text, analysis);
    return analysis;
  }

  set(text: string, outcome: Outcome): void {
    this.#texts.set(text, outcome.analysis);
    const literals = literalsOf(text);
    if (literals === undefined) return;
    const { analysis, understood } = outcome;
    // A write is the same whatever the values are.
    if (analysis.kind === "write") this.#shapes.set(literals.key, () => analysis);
    if (understood === undefined) return;
    const { tags } = understood;
    const tables = withSlots(understood.tables, text, literals);
    if (tables !== undefined)
      this.#shapes.set(literals.key, (values) =>
        readAnalysis({ tables: filled(tables, values), tags }),
      );
  }
}
