import type { Typed } from "./tree.ts";
import type { Scope, Uses } from "./uses.ts";

/** Walks on; handed to the parts so that they need not import each other. */
export interface Walker {
  readonly uses: Uses;
  refuse(because: string): void;
  node(value: unknown, scope: Scope): void;
  nodes(value: unknown, scope: Scope): void;
  /** The fields of a node, those named in `but` left out. */
  fields(node: Typed, scope: Scope, but?: ReadonlySet<string>): void;
  /** Gives the scope that the names of a WITH clause make. */
  with(clause: unknown, scope: Scope): Scope;
}
