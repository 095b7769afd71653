import { quoteQualified } from "hasten/postgres";
import { DoctorError } from "../errors.ts";
import type { Target } from "../target/types.ts";

/** pg_stat_statements as it is in this database, or why it cannot be used. */
export type Extension =
  | {
      readonly usable: true;
      /** Its view and function, qualified and quoted. */
      readonly view: string;
      readonly info: string | undefined;
      readonly columns: ReadonlySet<string>;
      readonly notes: readonly string[];
    }
  | { readonly usable: false; readonly because: string };

interface Row {
  readonly schema: string;
  readonly columns: readonly string[];
  readonly info: boolean;
  readonly tracks: string | null;
}

/** The columns are asked for, because an extension may be older than its server. */
const EXTENSION = `select n.nspname::text as schema, i.oid is not null as info,
    current_setting('pg_stat_statements.track', true) as tracks,
    array_to_json(array(select a.attname::text from pg_attribute a
      where a.attrelid = v.oid and a.attnum > 0 and not a.attisdropped)) as columns
  from pg_extension e
  join pg_namespace n on n.oid = e.extnamespace
  join pg_class v on v.relnamespace = n.oid and v.relname = 'pg_stat_statements'
  left join pg_class i on i.relnamespace = n.oid and i.relname = 'pg_stat_statements_info'
  where e.extname = 'pg_stat_statements'`;

export async function findExtension(target: Target): Promise<Extension> {
  const [row] = await target.rows<Row>(EXTENSION);
  if (row === undefined)
    return unusable(
      "pg_stat_statements is not created in this database: set shared_preload_libraries = 'pg_stat_statements', restart, and run CREATE EXTENSION pg_stat_statements.",
    );
  const view = quoteQualified([row.schema, "pg_stat_statements"]);
  const columns = new Set(row.columns);
  if (!columns.has("total_exec_time"))
    return unusable(
      "pg_stat_statements is of an old version: run ALTER EXTENSION pg_stat_statements UPDATE.",
    );
  try {
    await target.rows(`select calls from ${view}(false) limit 1`);
  } catch (cause) {
    if (!(cause instanceof DoctorError) || cause.code !== "HST_DOCTOR_STATEMENT") throw cause;
    return unusable(
      cause.sqlstate === "55000"
        ? "pg_stat_statements is not loaded: set shared_preload_libraries = 'pg_stat_statements' and restart."
        : `pg_stat_statements cannot be read by this role (SQLSTATE ${cause.sqlstate ?? "none"}).`,
    );
  }
  return {
    usable: true,
    view,
    info: row.info ? quoteQualified([row.schema, "pg_stat_statements_info"]) : undefined,
    columns,
    notes:
      row.tracks === "none" ? ["pg_stat_statements.track is none: nothing new is counted."] : [],
  };
}

const unusable = (because: string): Extension => ({ usable: false, because });
