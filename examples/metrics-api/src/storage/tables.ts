/** What a copy carries: every resource table, parents first. */
export interface CopiedTable {
  readonly name: string;
  /** Which rows go along; the embedded demo's accounts never do. */
  readonly source: string;
}

const NOT_DEMO = "select id from users where not demo";

export const COPIED_TABLES: readonly CopiedTable[] = [
  { name: "domains", source: "select * from domains" },
  { name: "metrics", source: "select * from metrics" },
  { name: "objectives", source: "select * from objectives" },
  { name: "users", source: "select * from users where not demo" },
  {
    name: "user_credentials",
    source: `select * from user_credentials where user_id in (${NOT_DEMO})`,
  },
];

/** Empties an earlier copy; demo accounts of the embedded server stay. */
export const CLEARING: readonly string[] = [
  "truncate domains, metrics, objectives",
  `delete from user_credentials where user_id in (${NOT_DEMO})`,
  "delete from users where not demo",
];
