/** What cached values depend on, as the reader of changes needs it. */

/** How a column's values are brought to the text form in tags. */
export type ColumnKind = "integer" | "uuid" | "boolean" | "text";

/** One table that cached values may depend on. Replaced, never changed: identity tells versions. */
export interface TableInterest {
  readonly tableTag: string;
  readonly broadTag: string;
  /** Columns that row tags are made of, by name. */
  readonly columns: ReadonlyMap<string, ColumnKind>;
}

export interface Interest {
  /**
   * What depends on changes of this relation: itself, its partition roots and inheritance parents.
   * Undefined when nothing does. The same array until something changes, so that changes gathered
   * under another one are known to be incomplete and taken broadly.
   */
  of(relationOid: number): readonly TableInterest[] | undefined;
}
