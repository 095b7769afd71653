/**
 * Globs as Redis has them: `*` any characters, `?` one, `[a-z]` one of these, `[^a-z]` none of
 * these, `\` takes the next one as it is.
 *
 * Invariants:
 * - `matches` decides, for both tiers, by UTF-16 characters; Redis compares bytes, so it is only
 *   asked for `wide`, which matches all of these keys and maybe more;
 * - matching takes time in proportion to key times glob at most: no backtracking beyond the latest
 *   star, whatever the glob;
 * - text that went through `escapeGlob` matches itself only.
 */
import { globInvalid } from "../errors.ts";

export interface Glob {
  matches(key: string): boolean;
  /** For SCAN MATCH: matches at least the same keys, byte by byte. */
  readonly wide: string;
}

export const GLOB_LENGTH_MAX = 512;

type Atom =
  | { readonly kind: "star" }
  | { readonly kind: "one" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "of"; readonly ranges: readonly Range[]; readonly not: boolean };

/** Both ends belong to it. */
type Range = readonly [from: string, to: string];

const STAR: Atom = { kind: "star" };
const ONE: Atom = { kind: "one" };

/** Text that is to be matched as it is: for everything that comes from outside. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\^]/g, "\\$&");
}

/** @throws HastenError HST_CACHE_GLOB */
export function parseGlob(glob: unknown): Glob {
  if (typeof glob !== "string") throw globInvalid(`it is ${glob === null ? "null" : typeof glob}`);
  if (glob === "") throw globInvalid("it is empty");
  if (glob.length > GLOB_LENGTH_MAX) throw globInvalid(`it has ${glob.length} characters`);
  const atoms: Atom[] = [];
  for (let at = 0; at < glob.length; ) {
    const [atom, end] = atomAt(glob, at);
    if (atom !== STAR || atoms.at(-1) !== STAR) atoms.push(atom);
    at = end;
  }
  return { matches: (key) => matchesAll(atoms, key), wide: widen(atoms) };
}

function atomAt(glob: string, at: number): readonly [Atom, end: number] {
  const character = glob[at]!;
  if (character === "*") return [STAR, at + 1];
  if (character === "?") return [ONE, at + 1];
  if (character === "[") return classAt(glob, at);
  if (character !== "\\") return [{ kind: "text", text: character }, at + 1];
  const next = glob[at + 1];
  if (next === undefined) throw globInvalid("it ends with a backslash that escapes nothing");
  return [{ kind: "text", text: next }, at + 2];
}

function classAt(glob: string, start: number): readonly [Atom, end: number] {
  const not = glob[start + 1] === "^";
  const ranges: Range[] = [];
  let at = start + (not ? 2 : 1);
  const character = (): string => {
    if (glob[at] === "\\") at += 1;
    const one = glob[at];
    if (one === undefined) throw globInvalid("a [ has no ]");
    at += 1;
    return one;
  };
  while (glob[at] !== "]") {
    const from = character();
    let to = from;
    if (glob[at] === "-" && glob[at + 1] !== undefined && glob[at + 1] !== "]") {
      at += 1;
      to = character();
    }
    ranges.push(from <= to ? [from, to] : [to, from]);
  }
  if (ranges.length === 0) throw globInvalid("a [] holds nothing");
  return [{ kind: "of", ranges, not }, at + 1];
}

/** Goes back to the latest star only: an earlier one could not match more. */
function matchesAll(atoms: readonly Atom[], key: string): boolean {
  let atom = 0;
  let at = 0;
  let afterStar = -1;
  let retryAt = 0;
  while (at < key.length) {
    const one = atoms[atom];
    if (one === STAR) {
      atom += 1;
      afterStar = atom;
      retryAt = at;
    } else if (one !== undefined && matchesOne(one, key[at]!)) {
      atom += 1;
      at += 1;
    } else if (afterStar !== -1) {
      retryAt += 1;
      at = retryAt;
      atom = afterStar;
    } else return false;
  }
  while (atoms[atom] === STAR) atom += 1;
  return atom === atoms.length;
}

function matchesOne(atom: Atom, character: string): boolean {
  switch (atom.kind) {
    case "star":
    case "one":
      return true;
    case "text":
      return atom.text === character;
    case "of":
      return atom.ranges.some(([from, to]) => character >= from && character <= to) !== atom.not;
  }
}

/** What Redis cannot compare by bytes as we do by characters becomes a star. */
function widen(atoms: readonly Atom[]): string {
  let wide = "";
  for (const atom of atoms) {
    const plain = atom.kind === "text" && isAscii(atom.text) ? escapeGlob(atom.text) : "*";
    if (plain !== "*" || !wide.endsWith("*") || wide.endsWith("\\*")) wide += plain;
  }
  return wide;
}

function isAscii(character: string): boolean {
  return character.charCodeAt(0) < 0x80;
}
