/**
 * The change log that triggers fill, for databases whose wal_level cannot be changed.
 *
 * Invariants:
 * - One row for each statement that changed a table: the transaction, and the relation named. What
 *   the relation stands for (partitions, roots) is worked out when the row is read.
 * - Readers go by snapshots, never by an order of numbers: a row is read by the first snapshot
 *   that its transaction is visible in.
 * - Unlogged: after a crash it is empty, and every reader has lost its connection, which is a gap.
 */
import { quoteIdentifier, quoteQualified } from "../../ident.ts";

export const TRIGGERS_VERSION = 1;
export const TRIGGER_NAME = "hasten_changes";

/** Makes the log and its function, in order. Repeatable. */
export function changeLogSql(reader: string): readonly string[] {
  const role = quoteIdentifier(reader);
  return [
    "CREATE SCHEMA IF NOT EXISTS hasten",
    `CREATE UNLOGGED TABLE IF NOT EXISTS hasten.change_log (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  relation oid,
  node text,
  message text
)`,
    "CREATE INDEX IF NOT EXISTS change_log_xid ON hasten.change_log (xid)",
    `CREATE OR REPLACE FUNCTION hasten.note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO hasten.change_log (relation) VALUES (TG_RELID);
  RETURN NULL;
END $$`,
    `GRANT USAGE ON SCHEMA hasten TO ${role}`,
    `GRANT SELECT, INSERT, DELETE ON hasten.change_log TO ${role}`,
    `COMMENT ON TABLE hasten.change_log IS 'hasten change log, version ${TRIGGERS_VERSION}'`,
  ];
}

/** Puts the trigger on one table, also for sessions that replicate. Repeatable. */
export function triggerSql(schema: string, table: string): readonly string[] {
  const name = quoteQualified([schema, table]);
  return [
    `CREATE OR REPLACE TRIGGER ${TRIGGER_NAME} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${name}
FOR EACH STATEMENT EXECUTE FUNCTION hasten.note_change()`,
    `ALTER TABLE ${name} ENABLE ALWAYS TRIGGER ${TRIGGER_NAME}`,
  ];
}
