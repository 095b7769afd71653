/** What is asked of a server before anything is promised on it. Reads only. */
import type { Run } from "../direct.ts";
import { readTables, type TableFacts } from "./tables.ts";

export interface ServerFacts {
  readonly version: string;
  readonly versionNumber: number;
  readonly database: string;
  /** Tells clusters and databases apart: `system identifier/database oid`. */
  readonly identity: string;
  readonly inRecovery: boolean;
  readonly walLevel: string;
  readonly synchronousCommit: string;
  readonly synchronousStandbys: string;
  readonly walSendersMax: number;
  readonly walSenders: number;
  readonly slotsMax: number;
  readonly slots: number;
  readonly role: string;
  /** REPLICATION, superuser, or the role a hosting provider gives instead. */
  readonly mayReplicate: boolean;
  readonly mayCreate: boolean;
}

export interface PublicationFacts {
  readonly name: string;
  /** Made by hasten, which may therefore change it. */
  readonly ours: boolean;
  readonly allTables: boolean;
  readonly viaRoot: boolean;
  /** Kinds of changes that it leaves out: `insert`, `update`, `delete`, `truncate`. */
  readonly lacks: readonly string[];
}

export interface TriggerFacts {
  /** Version of the change log's objects; 0 where they are missing. */
  readonly version: number;
  /** Whether this role may read, write and prune it. */
  readonly usable: boolean;
}

export interface DatabaseFacts {
  readonly server: ServerFacts;
  readonly publication: PublicationFacts | undefined;
  readonly triggers: TriggerFacts;
  readonly tables: readonly TableFacts[];
}

/** The comment on a publication that hasten made. */
export const MADE_BY_HASTEN = "made by hasten: tables with a usable replica identity";

export async function readFacts(run: Run, publication: string): Promise<DatabaseFacts> {
  return {
    server: await readServer(run),
    publication: await readPublication(run, publication),
    triggers: await readTriggers(run),
    tables: await readTables(run, publication),
  };
}

const SERVER = `
select current_setting('server_version') as version,
  current_setting('server_version_num')::int as "versionNumber",
  current_database() as database,
  (select system_identifier from pg_control_system())::text || '/' ||
    (select oid from pg_database where datname = current_database()) as identity,
  pg_is_in_recovery() as "inRecovery",
  current_setting('wal_level') as "walLevel",
  current_setting('synchronous_commit') as "synchronousCommit",
  current_setting('synchronous_standby_names') as "synchronousStandbys",
  current_setting('max_wal_senders')::int as "walSendersMax",
  (select count(*) from pg_stat_get_wal_senders())::int as "walSenders",
  current_setting('max_replication_slots')::int as "slotsMax",
  (select count(*) from pg_replication_slots)::int as slots,
  current_user as role,
  exists (
    select from pg_roles r where
      (r.rolname = current_user and (r.rolreplication or r.rolsuper)) or
      (r.rolname = 'rds_replication' and pg_has_role(current_user, r.oid, 'member'))
  ) as "mayReplicate",
  has_database_privilege(current_database(), 'CREATE') as "mayCreate"`;

async function readServer(run: Run): Promise<ServerFacts> {
  const [row] = await run(SERVER);
  return row as unknown as ServerFacts;
}

const PUBLICATION = `
select pubname as name, puballtables as "allTables", pubviaroot as "viaRoot",
  coalesce(obj_description(oid, 'pg_publication') = $2, false) as ours,
  array_remove(array[
    case when not pubinsert then 'insert' end, case when not pubupdate then 'update' end,
    case when not pubdelete then 'delete' end, case when not pubtruncate then 'truncate' end
  ], null) as lacks
from pg_publication where pubname = $1`;

async function readPublication(run: Run, name: string): Promise<PublicationFacts | undefined> {
  const [row] = await run(PUBLICATION, [name, MADE_BY_HASTEN]);
  return row as unknown as PublicationFacts | undefined;
}

const TRIGGERS = `
select coalesce(substring(obj_description(to_regclass('hasten.change_log'), 'pg_class')
    from 'version ([0-9]+)')::int, 0) as version,
  coalesce(has_table_privilege(to_regclass('hasten.change_log'), 'select')
    and has_table_privilege(to_regclass('hasten.change_log'), 'insert')
    and has_table_privilege(to_regclass('hasten.change_log'), 'delete')
    and has_schema_privilege(to_regnamespace('hasten'), 'usage'), false) as usable`;

async function readTriggers(run: Run): Promise<TriggerFacts> {
  const [row] = await run(TRIGGERS);
  return row as unknown as TriggerFacts;
}
