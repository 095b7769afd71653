/**
 * Which statements may be read from a replica, told by their words.
 *
 * Invariants:
 * - It errs to the primary: a word that could write, lock, or mean something else on another server
 *   keeps a statement there. A function that writes in spite of that is refused by the replica
 *   (25006), runs on the primary once, and its text is remembered.
 * - Bounded: TEXTS_MAX texts are remembered, all are forgotten when there are more.
 */
import { lex } from "../lexer.ts";

/** `plain`: any replica will do. `local`: asks what each server answers for itself. */
export type Readable = "plain" | "local" | "no";

const FIRST: ReadonlySet<string> = new Set(["select", "values", "table", "with"]);
/** As words, not as quoted names. FOR UPDATE and FOR NO KEY UPDATE hold one of them. */
const WRITES: ReadonlySet<string> = new Set([
  ...["insert", "update", "delete", "merge", "into", "truncate", "refresh", "share"],
  ...["nextval", "setval", "currval", "lastval", "set_config", "dblink", "dblink_exec"],
]);
const LOCKS = /^(pg_(try_)?advisory|lo_|txid_|pg_notify|pg_logical|pg_current_xact|pg_current_wal)/;
/** Statistics, locks, sessions, replication: of the server that is asked. */
const LOCAL = /^(pg_|inet_server)/;
/** `version()`: without the parenthesis it is a column, which many tables have. */
const CALLED = /^\s*\(/;
/** Catalogs are the same on a replica. */
const CATALOGS =
  /^pg_(catalog|class|attribute|type|namespace|constraint|index|proc|enum|get_|typeof|relation_size|table|total|format|description)/;

const TEXTS_MAX = 1_000;
const TEXT_CHARACTERS_MAX = 65_536;

export class ReadableTexts {
  readonly #known = new Map<string, Readable>();

  of(text: string): Readable {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    return this.#remember(text, text.length > TEXT_CHARACTERS_MAX ? "no" : readableOf(text));
  }

  /** A replica refused it: it wrote, or asked for what only a primary has. */
  refused(text: string): void {
    this.#remember(text, "no");
  }

  #remember(text: string, readable: Readable): Readable {
    if (this.#known.size >= TEXTS_MAX) this.#known.clear();
    this.#known.set(text, readable);
    return readable;
  }
}

export function readableOf(text: string): Readable {
  let first = true;
  let readable: Readable = "plain";
  for (const { kind, start, end } of lex(text)) {
    if (kind !== "word" && kind !== "identifier") continue;
    const quoted = kind === "identifier";
    const word = quoted ? text.slice(start + 1, end - 1) : text.slice(start, end).toLowerCase();
    if (first && (quoted || !FIRST.has(word))) return "no";
    first = false;
    if (LOCKS.test(word) || (WRITES.has(word) && (!quoted || !COMMON.has(word)))) return "no";
    if (LOCAL.test(word) && !CATALOGS.test(word)) readable = "local";
    if (word === "version" && CALLED.test(text.slice(end, end + 64))) readable = "local";
  }
  return first ? "no" : readable;
}

/** Keywords, which a quoted name does not mean; the rest of the list are functions. */
const COMMON: ReadonlySet<string> = new Set([
  ...["insert", "update", "delete", "merge", "into", "truncate", "refresh", "share"],
]);
