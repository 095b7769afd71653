/** Rows of the schema queries, and what is built from them. */
export interface TableRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly partition: boolean;
  readonly method: string | null;
  readonly bound: string | null;
  readonly key: string | null;
  readonly parents: readonly (readonly [string, string])[];
  readonly columns: readonly TableColumn[];
  readonly hidden: boolean;
  /** The planner packs rows by it where nothing was ever counted. */
  readonly fillfactor: number | null;
}

export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly collation: readonly [string, string] | null;
  readonly generated: string | null;
  readonly expression: string | null;
}

export interface ConstraintRow {
  readonly relation: number;
  readonly name: string;
  readonly type: string;
  readonly index: number;
  readonly references: number;
  readonly definition: string;
}

/** One statement of the copy; `table` when a failure means that the table cannot be had. */
export interface Step {
  readonly sql: string;
  readonly table: number | undefined;
}
