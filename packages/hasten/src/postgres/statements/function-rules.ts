/** Which functions a read that is kept may call. */
import { FIRST_USER_OID, type FunctionFacts } from "../catalog/name-sql.ts";

/** Built-in STABLE functions that depend on their arguments and on settings of the connection only. */
const STABLE: ReadonlySet<string> = new Set(
  `array_agg array_to_json array_to_string array_to_tsvector concat concat_ws date date_part date_trunc extract
  format generate_series json_agg json_agg_strict json_array_elements json_build_array json_build_object
  json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict json_populate_record
  json_populate_recordset json_to_record json_to_recordset json_to_tsvector jsonb_agg jsonb_agg_strict jsonb_build_array
  jsonb_build_object jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict
  jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_array_tz jsonb_path_query_first_tz jsonb_path_query_tz
  jsonb_populate_record jsonb_populate_recordset jsonb_to_record jsonb_to_recordset jsonb_to_tsvector
  make_timestamptz money numeric overlaps phraseto_tsquery plainto_tsquery quote_literal quote_nullable row_to_json
  string_agg text time timestamp timestamptz timetz timezone to_char to_date to_json to_jsonb to_number to_timestamp
  to_tsquery to_tsvector ts_headline ts_match_qv ts_match_tq ts_match_tt ts_match_vq version websearch_to_tsquery
  xml xmlagg`.split(/\s+/),
);

/** Built-in VOLATILE functions that write no rows. */
const WRITES_NOTHING: ReadonlySet<string> = new Set(
  `random random_normal gen_random_uuid uuidv4 uuidv7 clock_timestamp timeofday nextval currval lastval setval
  pg_sleep pg_sleep_for pg_sleep_until pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock
  pg_advisory_unlock_shared pg_advisory_unlock_all pg_advisory_xact_lock pg_advisory_xact_lock_shared
  pg_try_advisory_lock pg_try_advisory_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared
  set_config pg_notify pg_cancel_backend pg_terminate_backend pg_logical_emit_message pg_current_wal_lsn
  pg_is_in_recovery pg_last_wal_replay_lsn pg_relation_size pg_total_relation_size pg_table_size pg_indexes_size
  pg_database_size pg_stat_clear_snapshot pg_stat_get_activity pg_current_xact_id pg_blocking_pids
  pg_export_snapshot statement_timestamp transaction_timestamp now`.split(/\s+/),
);

/** Results that differ by who asks. */
const PERSONAL: ReadonlySet<string> = new Set([
  "current_user",
  "session_user",
  "user",
  "current_role",
  "current_setting",
  "getpgusername",
  "current_schema",
  "current_schemas",
  "has_table_privilege",
  "row_security_active",
]);

export interface Refusal {
  readonly because: string;
  readonly mayWrite: boolean;
  readonly stateful: boolean;
  readonly personal: boolean;
  /** Nothing tells when it no longer holds: asked again each time. */
  readonly passing?: boolean | undefined;
}

/** Undefined if what it gives changes only with its arguments, settings in the key, or its definition. */
export function functionRefusal(name: string, facts: FunctionFacts): Refusal | undefined {
  const builtIn = facts.oid < FIRST_USER_OID;
  if (facts.volatility === "i") return undefined;
  if (facts.volatility === "s" && builtIn && STABLE.has(name)) return undefined;
  const kind = facts.volatility === "v" ? "VOLATILE" : "STABLE";
  return {
    because: `the function ${name}(), which is ${kind}`,
    mayWrite: facts.volatility === "v" && !(builtIn && WRITES_NOTHING.has(name)),
    stateful: (builtIn && name === "set_config") || facts.changesSession,
    personal: PERSONAL.has(name),
  };
}

/** Whether a call with so many arguments may mean it. */
export function takes(facts: FunctionFacts, argumentCount: number): boolean {
  if (facts.variadic) return argumentCount >= facts.arguments - facts.defaults - 1;
  const least = facts.arguments - facts.defaults;
  return argumentCount >= least && argumentCount <= facts.arguments;
}
