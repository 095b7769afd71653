/**
 * What statements that differ only in their data have in common. Made once for each text and shared by
 * every record of it, so that a record holds a reference and no copy.
 */
export interface QueryShape {
  /** The statement without its data: `select * from users where id = $n`. Bounded; safe to show. */
  readonly statement: string;
  /** What it does: `select`, `insert`, `begin`, …; for other databases their command. Lower case. */
  readonly kind: string;
  /** The first table or collection that it names, or "". */
  readonly model: string;
  /**
   * `read` and `write` are judged; `control` (BEGIN, COMMIT, SAVEPOINT, SET) opens and closes spans;
   * `internal` (catalogs, health checks, what hasten asks itself) is counted by nobody.
   */
  readonly role: "read" | "write" | "control" | "internal";
  /** Facts about its text that rules ask for, found when first asked. */
  readonly traits: QueryTraits;
}

export interface QueryTraits {
  /** `SELECT *` or `t.*` in its outermost list. */
  readonly selectsEverything: boolean;
  /** It can return no more rows than its text says: LIMIT, FETCH FIRST, an aggregate without GROUP BY. */
  readonly limited: boolean;
  /** It asks for several keys at once: `= ANY($1)`, `IN (…)` with several, unnest. */
  readonly batched: boolean;
  /** Locks what it reads: FOR UPDATE and the like. */
  readonly locks: boolean;
}
