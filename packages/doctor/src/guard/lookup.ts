import type { Session, Target } from "../target/types.ts";
import { ATTRIBUTES, CASTS, FUNCTIONS, OPERATORS, RELATIONS, TYPES } from "./lookup-sql.ts";
import type { Name } from "./mentions.ts";

/** A function that a name may stand for. */
export interface FunctionFacts {
  /** Of the function, operator or attribute as it was asked for. */
  readonly name: string;
  readonly volatility: "i" | "s" | "v";
  /** Built in, or of an extension known to be harmless: no code of the database's users. */
  readonly trusted: boolean;
  /** Takes a text for a type that another argument names. */
  readonly takesText: boolean;
}

export interface TypeFacts {
  readonly name: string;
  readonly oid: number;
  readonly trusted: boolean;
  /** `pg_type.typtype`. */
  readonly kind: string;
  /** Of what it is made: element, base, attributes, subtype. */
  readonly parts: readonly number[];
  /** A range whose values are changed by a function of its own. */
  readonly canonical: boolean;
  /** Of a domain. */
  readonly checks: readonly string[];
}

export interface RelationFacts {
  /** As it was asked for; null for a child. */
  readonly name: string | null;
  readonly oid: number;
  /** `pg_class.relkind`. */
  readonly kind: string;
  readonly view: string | null;
  readonly policies: readonly string[];
  /** Of columns, what is not built in. */
  readonly types: readonly number[];
  /** An index, constraint or folded default of it calls code of the database's users. */
  readonly untrusted: boolean;
}

export interface CastFacts {
  /** Name of the target type. */
  readonly name: string;
  readonly implicit: boolean;
}

/** Questions to the catalogs. Every overload on the search path is answered, whatever its arguments. */
export interface Lookup {
  functions(names: readonly Name[]): Promise<readonly FunctionFacts[]>;
  operators(names: readonly Name[]): Promise<readonly FunctionFacts[]>;
  /** Functions of one argument: of a row type, or with `any` of all types. */
  attributes(names: readonly string[], any: boolean): Promise<readonly FunctionFacts[]>;
  types(names: readonly Name[], oids: readonly number[]): Promise<readonly TypeFacts[]>;
  /** With all that inherit from them. */
  relations(names: readonly Name[]): Promise<readonly RelationFacts[]>;
  /** Those by a function that is not trusted. */
  casts(): Promise<readonly CastFacts[]>;
}

/** By the target's own catalogs. */
export function lookupOn(target: Session & Pick<Target, "searchPath">): Lookup {
  const path = ["pg_catalog", ...target.searchPath];
  const split = (names: readonly Name[]) => [
    names.map((it) => it.schema ?? null),
    names.map((it) => it.name),
    path,
  ];
  const ask = async <Row extends object>(
    text: string,
    values: readonly unknown[],
    nothing: boolean,
  ): Promise<readonly Row[]> => (nothing ? [] : target.rows<Row>(text, values));
  return {
    functions: (names) => ask(FUNCTIONS, split(names), names.length === 0),
    operators: (names) => ask(OPERATORS, split(names), names.length === 0),
    attributes: (names, any) => ask(ATTRIBUTES, [names, path, any], names.length === 0),
    types: (names, oids) =>
      ask(TYPES, [...split(names), oids], names.length === 0 && oids.length === 0),
    relations: (names) => ask(RELATIONS, split(names), names.length === 0),
    casts: () => target.rows(CASTS),
  };
}
