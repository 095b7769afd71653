/** What one statement names, before the catalog was asked what the names mean. */
import type { QualifiedName } from "./tree.ts";

/** One table of one FROM clause. */
export interface RelationUse {
  readonly name: QualifiedName;
  /** What its columns may be qualified with. */
  readonly refname: string;
  /** Its columns have other names here: `t AS x(a, b)`. */
  readonly renamed: boolean;
  readonly level: Level;
}

/** One SELECT: what its FROM clause joins, and what every row must satisfy to matter. */
export interface Level {
  readonly tables: RelationUse[];
  readonly conditions: Condition[];
  /** Columns of USING: the unqualified name is not one table's column. */
  readonly merged: Set<string>;
  /** NATURAL joins and joins with an alias: unqualified names, or all, may mean something else. */
  natural: boolean;
  aliased: boolean;
}

export interface Condition {
  readonly tree: unknown;
  /** The tables whose rows cannot matter without it; undefined means all of the level. */
  readonly of: ReadonlySet<RelationUse> | undefined;
}

export interface FunctionUse {
  readonly name: QualifiedName;
  readonly argumentCount: number;
}

export interface Target {
  readonly name: QualifiedName;
  readonly how: "insert" | "update" | "delete" | "merge" | "truncate" | "copy";
  readonly cascades: boolean;
}

export interface Uses {
  readonly relations: RelationUse[];
  readonly targets: Target[];
  readonly functions: FunctionUse[];
  readonly operators: Set<string>;
  readonly types: QualifiedName[];
  /** `x.name` and `(x).name`: a function of one argument can be called so. */
  readonly fields: Set<string>;
  /** How often each parameter is used. */
  readonly parameters: Map<number, number>;
  /** Why it is not cacheable, the first reason found. */
  refusal: string | undefined;
  /** Something was not looked into: it may write. */
  mayHide: boolean;
  /** It is the definition of a view. */
  ofView: boolean;
}

export function noUses(): Uses {
  return {
    relations: [],
    targets: [],
    functions: [],
    operators: new Set(),
    types: [],
    fields: new Set(),
    parameters: new Map(),
    refusal: undefined,
    mayHide: false,
    ofView: false,
  };
}

export function newLevel(): Level {
  return { tables: [], conditions: [], merged: new Set(), natural: false, aliased: false };
}

/** The names of common table expressions that are visible at a place. */
export class Scope {
  readonly #outer: Scope | undefined;
  readonly #names = new Set<string>();

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  add(name: string): void {
    this.#names.add(name);
  }

  has(name: string): boolean {
    return this.#names.has(name) || (this.#outer?.has(name) ?? false);
  }
}
