/** What a copy carries: every resource table, parents first. */
export interface CopiedTable {
  readonly name: string;
  /** Its primary key, a uuid. */
  readonly key: string;
  /** Which rows go along; the embedded demo's accounts never do. */
  readonly source: string;
}

const NOT_DEMO = "select id from users where not demo";

export const COPIED_TABLES: readonly CopiedTable[] = [
  { name: "domains", key: "id", source: "select * from domains" },
  { name: "metrics", key: "id", source: "select * from metrics" },
  { name: "objectives", key: "id", source: "select * from objectives" },
  { name: "users", key: "id", source: "select * from users where not demo" },
  {
    name: "user_credentials",
    key: "user_id",
    source: `select * from user_credentials where user_id in (${NOT_DEMO})`,
  },
];

/** Empties an earlier copy; demo accounts of the embedded server stay. */
export const CLEARING: readonly string[] = [
  "truncate domains, metrics, objectives",
  `delete from user_credentials where user_id in (${NOT_DEMO})`,
  "delete from users where not demo",
];
