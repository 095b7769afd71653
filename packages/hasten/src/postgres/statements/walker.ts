import type { Typed } from "./tree.ts";
import type { Scope, Uses } from "./uses.ts";

/** Walks on; handed to the parts so that they need not import each other. */
export interface Walker {
  readonly uses: Uses;
  /** Known, and not to be kept. */
  refuse(because: string): void;
  /** Not known: what is below it was not looked at, and may do anything. */
  unknown(because: string): void;
  node(value: unknown, scope: Scope): void;
  nodes(value: unknown, scope: Scope): void;
  /** The fields of a node, those named in `but` left out. */
  fields(node: Typed, scope: Scope, but?: ReadonlySet<string>): void;
  /** Gives the scope that the names of a WITH clause make. */
  with(clause: unknown, scope: Scope): Scope;
}
